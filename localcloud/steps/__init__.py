"""Steps: runs bootstrap actions and steps as processes on this machine. ``runner`` is public too."""
