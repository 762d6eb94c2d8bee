"""Delete the environment, and find leftover resources."""

from infra.teardown import tagged_resources, teardown

__all__ = ["tagged_resources", "teardown"]
