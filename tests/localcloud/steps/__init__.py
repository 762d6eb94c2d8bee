"""Tests of what runs the steps of the local cloud."""
