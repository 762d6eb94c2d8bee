"""Tests of infra/commands/."""
