"""Compute features as histograms of visual words."""
