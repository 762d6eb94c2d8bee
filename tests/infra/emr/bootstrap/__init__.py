"""Tests of infra/emr/bootstrap."""
