"""The CloudFormation stacks, one a module."""
