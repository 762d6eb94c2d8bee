"""Upload photos, models and code to the data bucket."""
