"""Tests of job/spark/."""
