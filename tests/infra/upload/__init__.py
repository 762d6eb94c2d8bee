"""Tests of infra/upload/."""
