"""Estimate what a cluster costs, and compute what it did cost."""
