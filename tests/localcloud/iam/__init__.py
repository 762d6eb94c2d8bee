"""Tests of who may do what in the local cloud."""
