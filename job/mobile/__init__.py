"""Build the model for phones, and run it on this machine."""
