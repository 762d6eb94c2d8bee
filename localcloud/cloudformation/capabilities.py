"""Asks for the capabilities that a template with access rights in it has to be deployed with."""

from collections.abc import Collection

from localcloud.cloudformation.failures import FormationError
from localcloud.cloudformation.template import Template

_NAMES = {
    "AWS::IAM::AccessKey": None,
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Policy": None,
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::UserToGroupAddition": None,
}
"""Types that ask for a capability, and the property that asks for the greater one."""

IAM, NAMED_IAM = "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"


class InsufficientCapabilitiesError(FormationError):
    """A template makes access rights, and nobody said that it may."""

    code = "InsufficientCapabilitiesException"


def needed_capability(template: Template) -> str | None:
    """Return the capability that a template needs, None where it needs none."""
    found = [one for one in template.resources.values() if one.type in _NAMES]
    if not found:
        return None
    named = any(_NAMES[one.type] in one.properties for one in found if _NAMES[one.type] is not None)
    return NAMED_IAM if named else IAM


def require_capabilities(template: Template, given: Collection[str]) -> None:
    """Raise InsufficientCapabilitiesError if a template needs a capability that was not given."""
    needed = needed_capability(template)
    if needed is not None and needed not in given and NAMED_IAM not in given:
        raise InsufficientCapabilitiesError(f"Requires capabilities : [{needed}]")
