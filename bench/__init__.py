"""Benchmarks, each run as described in its first lines."""
