"""Tests of what moto lacks, seen in stock moto, and closed in the local cloud."""
