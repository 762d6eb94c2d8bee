"""Tests of job/quality/."""
