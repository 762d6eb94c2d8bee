"""Tests of job/errors/."""
