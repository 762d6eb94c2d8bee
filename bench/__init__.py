"""Benchmarks that a person can run; each says in its first lines how."""
