"""Tests of localcloud/."""
