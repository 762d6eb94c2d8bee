"""Tests of infra/commands/output/."""
