"""Find what makes an accuracy too good, and photos to check: leaks, duplicates, wrong labels and outliers.

``duplicates``, ``leakage`` and ``suspects`` search, and ``photos`` lists what they find. ``stage`` is public too, and
needs Spark.
"""
