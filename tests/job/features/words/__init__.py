"""Tests of job/features/words/."""
