"""Tests of job/pca/."""
