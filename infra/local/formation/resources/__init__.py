"""Resource types of the local CloudFormation."""

from collections.abc import Mapping

from infra.local.formation.resource import ResourceType

RESOURCE_TYPES: Mapping[str, ResourceType] = {}
"""The types by name."""
