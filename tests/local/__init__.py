"""Tests of infra/local/."""
