"""Reads a CloudFormation template, JSON or YAML with short tags, into its parts."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from localcloud.cloudformation.errors import InsufficientCapabilitiesError, RequestError

SECTIONS = frozenset({
    "AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings", "Conditions", "Resources",
    "Outputs",
})  # fmt: skip
"""Modelled sections. Transforms (macros, SAM) would have to run code: refused."""

RESOURCE_KEYS = frozenset({
    "Type", "Properties", "DependsOn", "Condition", "Metadata", "DeletionPolicy", "UpdateReplacePolicy",
})  # fmt: skip
"""Modelled keys of a resource. CreationPolicy and UpdatePolicy wait for signals, which are not sent here."""

POLICIES = ("Delete", "Retain", "RetainExceptOnCreate", "Snapshot")


@dataclass(frozen=True)
class Declaration:
    """A resource as a template declares it, its intrinsic functions not resolved."""

    logical_id: str
    type: str
    properties: Mapping[str, Any]
    depends_on: tuple[str, ...]
    condition: str | None
    metadata: Mapping[str, Any]
    deletion_policy: str
    update_replace_policy: str


@dataclass(frozen=True)
class Template:
    """A parsed template; in ``document``, every short tag (``!Ref``) is written out."""

    text: str
    document: Mapping[str, Any]

    @cached_property
    def resources(self) -> Mapping[str, Declaration]:
        """The declared resources by logical id, in the template's order."""
        return {name: _declaration(name, body) for name, body in self.document["Resources"].items()}

    def section(self, name: str) -> Mapping[str, Any]:
        """Return a section of the template, empty if it is missing."""
        return self.document.get(name) or {}

    @property
    def description(self) -> str:
        """The template's description, empty without one."""
        return str(self.document.get("Description", ""))


def parse(text: str) -> Template:
    """Return a template from its text."""
    try:
        document = json.loads(text)
    except ValueError:
        document = _parse_yaml(text)
    if not isinstance(document, dict):
        raise RequestError("Template format error: unsupported structure.")
    unknown = sorted(set(document) - SECTIONS)
    if "Transform" in unknown:
        raise RequestError("Template format error: The local cloud does not model Transform.")
    if unknown:
        raise RequestError(f"Invalid template property or properties [{', '.join(unknown)}]")
    if not isinstance(document.get("Resources"), dict) or not document["Resources"]:
        raise RequestError("Template format error: At least one Resources member must be defined.")
    template = Template(text, document)
    for declaration in template.resources.values():
        if declaration.condition is not None and declaration.condition not in template.section("Conditions"):
            raise RequestError(
                f"Template format error: Unresolved condition dependency {declaration.condition} "
                "in the Resources block of the template"
            )
    return template


_IAM_NAMES = {
    "AWS::IAM::AccessKey": None,
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Policy": None,
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::UserToGroupAddition": None,
}
"""Types that require a capability, and the property that requires the greater one."""

IAM, NAMED_IAM = "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"


def needed_capability(template: Template) -> str | None:
    """Return the capability that a template needs, None if it needs none."""
    found = [one for one in template.resources.values() if one.type in _IAM_NAMES]
    if not found:
        return None
    named = any(_IAM_NAMES[one.type] in one.properties for one in found if _IAM_NAMES[one.type] is not None)
    return NAMED_IAM if named else IAM


def require_capabilities(template: Template, given: Collection[str]) -> None:
    """Raise InsufficientCapabilitiesError if a template needs a capability that was not given."""
    needed = needed_capability(template)
    if needed is not None and needed not in given and NAMED_IAM not in given:
        raise InsufficientCapabilitiesError(f"Requires capabilities : [{needed}]")


def _declaration(logical_id: str, body: Any) -> Declaration:  # noqa: ANN401
    if not isinstance(body, dict) or not isinstance(body.get("Type"), str):
        raise RequestError(
            f"Template format error: [/Resources/{logical_id}] Every Resources object must contain a Type member."
        )
    unknown = sorted(set(body) - RESOURCE_KEYS)
    if unknown:
        raise RequestError(
            f"The local cloud does not model {', '.join(unknown)} of a resource: {logical_id} ({body['Type']})"
        )
    depends_on = body.get("DependsOn", ())
    deletion = body.get("DeletionPolicy", "Delete")
    replacement = body.get("UpdateReplacePolicy", "Delete")
    for policy in (deletion, replacement):
        if policy not in POLICIES:
            raise RequestError(f"Template error: Unrecognized DeletionPolicy {policy} for resource {logical_id}")
    return Declaration(
        logical_id=logical_id,
        type=body["Type"],
        properties=body.get("Properties") or {},
        depends_on=(depends_on,) if isinstance(depends_on, str) else tuple(depends_on),
        condition=body.get("Condition"),
        metadata=body.get("Metadata") or {},
        deletion_policy=deletion,
        update_replace_policy=replacement,
    )


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags, and with dates left as text."""


def _short_tag(loader: _Loader, suffix: str, node: yaml.Node) -> Mapping[str, Any]:
    """Expand a short tag: ``!GetAtt A.B`` is ``{"Fn::GetAtt": ["A", "B"]}``."""
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = str(value).split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else None
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_tag)
# Keep dates as text: the versions of templates and policies look like dates.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _parse_yaml(text: str) -> Any:  # noqa: ANN401
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise RequestError(f"Template format error: YAML not well-formed.{where}") from error
