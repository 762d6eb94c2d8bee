"""Tests of job/features/network/."""
