"""Compute features with an exported network."""
