"""Tests of infra/doctor/."""
