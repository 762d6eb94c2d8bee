"""Tests of job/."""
