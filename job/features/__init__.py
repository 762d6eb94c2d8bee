"""Compute a feature vector for each photo, with a network or with visual words."""
