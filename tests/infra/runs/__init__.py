"""Tests of infra/runs/."""
