"""Tests of the gaps in moto: what it lacks, and that it is closed."""
