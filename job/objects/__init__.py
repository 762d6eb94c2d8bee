"""Find several objects in each photo: ``orchard predict --multiple``.

``stage`` is public too, and needs Spark.
"""
