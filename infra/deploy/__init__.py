"""The deploy step: upload, run, follow, understand, fetch and stop, by boto3."""
