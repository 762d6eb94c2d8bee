"""Tests of the clusters of the local cloud."""
