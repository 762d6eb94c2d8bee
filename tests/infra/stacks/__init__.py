"""Tests of infra/stacks."""
