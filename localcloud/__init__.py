"""The whole environment on one machine, without an AWS account."""
