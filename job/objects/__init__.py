"""Find several objects in each photo: ``orchard predict --multiple``.

``stage`` is public, and needs Spark.
"""
