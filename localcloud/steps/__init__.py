"""Runs what clusters of the local cloud are asked to run: bootstrap actions, then steps, on this machine."""
