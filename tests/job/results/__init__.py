"""Tests of job/results/."""
