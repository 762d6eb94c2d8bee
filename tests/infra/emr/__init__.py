"""Tests of infra/emr."""
