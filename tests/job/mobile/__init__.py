"""Tests of job/mobile/."""
