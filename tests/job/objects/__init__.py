"""Tests of job/objects/."""
