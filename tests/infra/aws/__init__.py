"""Tests of infra/aws/."""
