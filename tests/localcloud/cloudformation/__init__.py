"""Tests of the local CloudFormation."""
