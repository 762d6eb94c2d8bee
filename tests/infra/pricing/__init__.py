"""Tests of infra/pricing/."""
