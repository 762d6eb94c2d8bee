"""Tests of job/storage/."""
