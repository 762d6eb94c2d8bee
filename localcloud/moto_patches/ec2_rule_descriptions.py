"""EC2: moto forgets the description of a rule that names another security group.

It is kept with the group at the rule's other end, where moto's rule does not look for it; nor does a rule with a
description count as the same as the one without.
"""

from moto.ec2.models.security_groups import SecurityGroupRule

from localcloud import patching


def close() -> None:
    """Have a rule tell its description, and leave it out when rules are compared."""
    same = SecurityGroupRule.__eq__

    def description(self: SecurityGroupRule) -> str | None:
        return self.ip_range.get("Description") or self.source_group.get("Description")

    def equal(self: SecurityGroupRule, other: SecurityGroupRule) -> bool:
        ours, theirs = self.source_group, other.source_group
        try:
            self.source_group, other.source_group = _end(ours), _end(theirs)
            return same(self, other)
        finally:
            self.source_group, other.source_group = ours, theirs

    patching.replace(SecurityGroupRule, "description", property(description))
    patching.replace(SecurityGroupRule, "__eq__", equal)


def _end(group: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in group.items() if name != "Description"}
