"""Tests of infra/deploy/ and infra/commands/."""
