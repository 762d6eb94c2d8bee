"""Tests of infra/teardown/."""
