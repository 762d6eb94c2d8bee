"""Standardise the features and project them onto principal components."""
