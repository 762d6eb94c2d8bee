"""Start Spark, ship the code to the executors and divide the photos into tasks."""
