"""The job: from a folder of photos to features, components and results. Runs anywhere Spark runs."""
