"""Tests of job/images/."""
