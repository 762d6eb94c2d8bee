"""Tests of job/classifiers/."""
