"""Builds CloudFormation's answers from stacks, events, resources, change sets and templates."""

from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.cloudformation.stacks import Change, ChangeSet, Event, Stack
from localcloud.cloudformation.template import Template, needed_capability

_GONE = ("DELETE_COMPLETE", "DELETE_SKIPPED")


def stack(one: Stack, parameters: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Return a stack as DescribeStacks shows it."""
    blueprint = one.blueprint
    return _without_none({
        **stack_summary(one),
        "Description": blueprint.template.description or None if blueprint else None,
        "ChangeSetId": one.change_set_id,
        "Parameters": parameters,
        "Capabilities": one.capabilities,
        "DisableRollback": one.disable_rollback,
        "EnableTerminationProtection": one.termination_protection,
        "NotificationARNs": [],
        "RoleARN": one.role,
        "Tags": [{"Key": key, "Value": value} for key, value in (blueprint.tags if blueprint else {}).items()],
        "Outputs": [
            _without_none({
                "OutputKey": output.key,
                "OutputValue": output.value,
                "Description": output.description,
                "ExportName": output.export,
            })
            for output in one.outputs
        ],
    })  # fmt: skip


def stack_summary(one: Stack) -> dict[str, Any]:
    """Return a stack as ListStacks shows it."""
    return _without_none({
        "StackId": one.id,
        "StackName": one.name,
        "StackStatus": one.status,
        "StackStatusReason": one.reason,
        "CreationTime": one.created,
        "LastUpdatedTime": one.updated,
        "DeletionTime": one.deleted,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    })  # fmt: skip


def event(one: Event) -> dict[str, Any]:
    """Return an event as DescribeStackEvents shows it."""
    return _without_none({
        "StackId": one.stack_id,
        "EventId": one.id,
        "StackName": one.stack_name,
        "LogicalResourceId": one.logical_id,
        "PhysicalResourceId": one.physical_id,
        "ResourceType": one.type,
        "Timestamp": one.moment,
        "ResourceStatus": one.status,
        "ResourceStatusReason": one.reason,
        "ClientRequestToken": one.token,
    })  # fmt: skip


def resources(one: Stack) -> list[dict[str, Any]]:
    """Return the resources of a stack as DescribeStackResources shows them, deleted ones included."""
    kept = {**one.resources}
    return [
        _without_none({
            "StackName": one.name,
            "StackId": one.id,
            "LogicalResourceId": name,
            "PhysicalResourceId": kept[name].physical_id if name in kept else last.physical_id or None,
            "ResourceType": last.type,
            "Timestamp": last.moment,
            "ResourceStatus": last.status,
            "ResourceStatusReason": last.reason,
            "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
        })
        for name, last in dict(one.last_of).items()
        if last.physical_id != one.id and (name in kept or one.deleted or last.status not in _GONE)
    ]  # fmt: skip


def change_set(one: ChangeSet) -> dict[str, Any]:
    """Return a change set as DescribeChangeSet shows it."""
    return _without_none({
        **change_set_summary(one),
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in one.blueprint.parameters.items()
        ],
        "NotificationARNs": [],
        "Capabilities": one.capabilities,
        "Tags": [{"Key": key, "Value": value} for key, value in one.blueprint.tags.items()],
        "Changes": [{"Type": "Resource", "ResourceChange": _change(change)} for change in one.changes],
    })  # fmt: skip


def change_set_summary(one: ChangeSet) -> dict[str, Any]:
    """Return a change set as ListChangeSets shows it."""
    return _without_none({
        "ChangeSetName": one.name,
        "ChangeSetId": one.id,
        "StackId": one.stack.id,
        "StackName": one.stack.name,
        "Description": one.description,
        "CreationTime": one.created,
        "Status": one.status,
        "StatusReason": one.reason,
        "ExecutionStatus": one.execution_status,
        "IncludeNestedStacks": False,
    })  # fmt: skip


def template_summary(template: Template) -> dict[str, Any]:
    """Return a template as GetTemplateSummary shows it."""
    capability = needed_capability(template)
    return _without_none({
        "Description": template.description or None,
        "Version": template.document.get("AWSTemplateFormatVersion"),
        "Parameters": [
            _without_none({
                "ParameterKey": name,
                "DefaultValue": _text(declared.get("Default")),
                "ParameterType": declared.get("Type", "String"),
                "NoEcho": str(declared.get("NoEcho", "")).lower() == "true",
                "Description": declared.get("Description"),
                "ParameterConstraints": _without_none({"AllowedValues": declared.get("AllowedValues")}),
            })
            for name, declared in template.section("Parameters").items()
        ],
        "ResourceTypes": sorted({one.type for one in template.resources.values()}),
        "Capabilities": [capability] if capability else [],
        "CapabilitiesReason": "The following resource(s) require capabilities: [AWS::IAM]" if capability else None,
    })  # fmt: skip


def _change(one: Change) -> dict[str, Any]:
    scope = [*(["Properties"] if one.properties else []), *one.attributes]
    properties = [
        _detail("Properties", "Always" if replaces else "Conditionally" if name in one.may_replace else "Never", name)
        for name, replaces in one.properties.items()
    ]
    others = [_detail(attribute, "Never", None) for attribute in one.attributes]
    return _without_none({
        "Action": one.action,
        "LogicalResourceId": one.logical_id,
        "PhysicalResourceId": one.physical_id,
        "ResourceType": one.type,
        "Replacement": _replacement(one),
        "PolicyAction": one.policy_action,
        "Scope": scope,
        "Details": [*properties, *others],
    })  # fmt: skip


def _replacement(one: Change) -> str | None:
    if one.may_replace and not one.replaces:
        return "Conditional"
    return None if one.replaces is None else str(one.replaces)


def _detail(attribute: str, recreation: str, name: str | None) -> dict[str, Any]:
    return {
        "Target": _without_none({"Attribute": attribute, "Name": name, "RequiresRecreation": recreation}),
        "Evaluation": "Static",
        "ChangeSource": "DirectModification",
    }


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _without_none(entries: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entries.items() if value is not None}
