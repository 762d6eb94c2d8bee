"""Tests of the resource types, each against moto in this process."""
