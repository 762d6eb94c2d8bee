"""IAM: users, roles, instance profiles, policies and access keys."""

from collections.abc import Iterable, Mapping
from typing import Any

from localcloud.cloudformation.resource import Client, Created, Properties, ResourceContext
from localcloud.cloudformation.resources.requests import call, document, passing_over, refuse_others, undone_on_failure
from localcloud.cloudformation.tags import tag_changes, tag_list

_LONGEST_ENTITY = 64
_LONGEST_POLICY = 128
_MOST_VERSIONS = 5
"""Versions that IAM keeps of a managed policy."""
_ABSENT = "NoSuchEntity"
_HOLDERS = {"Users": "user", "Roles": "role", "Groups": "group"}
"""Properties that name the holders of a policy, with the noun in IAM's operations."""


class User:
    """A user without a password."""

    name = "AWS::IAM::User"
    properties = frozenset({"UserName", "Path", "ManagedPolicyArns", "Policies", "PermissionsBoundary", "Tags"})
    replacing = frozenset({"UserName"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        client = context.client("iam")
        name = str(properties.get("UserName") or context.physical_name(_LONGEST_ENTITY))
        call(client, "CreateUser", UserName=name, **_path(properties), Tags=tag_list(properties))
        with undone_on_failure(lambda: self.delete(context, name, properties)):
            _change_policies(client, "user", name, {}, properties)
        return self._created(client, name)

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        client = context.client("iam")
        if before.get("Path") != after.get("Path"):
            client.update_user(UserName=physical_id, NewPath=after.get("Path", "/"))
        _change_policies(client, "user", physical_id, before, after)
        _change_tags(client, "user", physical_id, before, after)
        return self._created(client, physical_id)

    def delete(self, context: ResourceContext, physical_id: str, properties: Properties) -> None:
        """Delete the user, who must have no keys and no policies of other resources."""
        client = context.client("iam")
        with passing_over(_ABSENT):
            _remove_policies(client, "user", physical_id, properties)
            client.delete_user(UserName=physical_id)

    def _created(self, client: Client, name: str) -> Created:
        return Created(name, {"Arn": client.get_user(UserName=name)["User"]["Arn"]})


class Role:
    """A role with its inline and managed policies."""

    name = "AWS::IAM::Role"
    properties = frozenset(
        {
            *("RoleName", "Path", "Description", "AssumeRolePolicyDocument", "MaxSessionDuration"),
            *("ManagedPolicyArns", "Policies", "PermissionsBoundary", "Tags"),
        }
    )
    replacing = frozenset({"RoleName", "Path"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        client = context.client("iam")
        name = str(properties.get("RoleName") or context.physical_name(_LONGEST_ENTITY))
        call(
            client,
            "CreateRole",
            RoleName=name,
            **_path(properties),
            AssumeRolePolicyDocument=document(properties["AssumeRolePolicyDocument"]),
            Description=properties.get("Description"),
            MaxSessionDuration=properties.get("MaxSessionDuration"),
            Tags=tag_list(properties),
        )
        with undone_on_failure(lambda: self.delete(context, name, properties)):
            _change_policies(client, "role", name, {}, properties)
        return self._created(client, name)

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        client = context.client("iam")
        trust = document(after["AssumeRolePolicyDocument"])
        client.update_assume_role_policy(RoleName=physical_id, PolicyDocument=trust)
        # IAM's default is an hour; an absent description is an empty one.
        call(
            client,
            "UpdateRole",
            RoleName=physical_id,
            Description=after.get("Description", ""),
            MaxSessionDuration=after.get("MaxSessionDuration", 3600),
        )
        _change_policies(client, "role", physical_id, before, after)
        _change_tags(client, "role", physical_id, before, after)
        return self._created(client, physical_id)

    def delete(self, context: ResourceContext, physical_id: str, properties: Properties) -> None:
        client = context.client("iam")
        with passing_over(_ABSENT):
            _remove_policies(client, "role", physical_id, properties)
            client.delete_role(RoleName=physical_id)

    def _created(self, client: Client, name: str) -> Created:
        role = client.get_role(RoleName=name)["Role"]
        return Created(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


class InstanceProfile:
    """An instance profile: the role of a machine."""

    name = "AWS::IAM::InstanceProfile"
    properties = frozenset({"InstanceProfileName", "Path", "Roles"})
    replacing = frozenset({"InstanceProfileName", "Path"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        client = context.client("iam")
        name = str(properties.get("InstanceProfileName") or context.physical_name(_LONGEST_POLICY))
        client.create_instance_profile(InstanceProfileName=name, **_path(properties))
        with undone_on_failure(lambda: client.delete_instance_profile(InstanceProfileName=name)):
            for role in properties["Roles"]:
                client.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
        return self._created(client, name)

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        client = context.client("iam")
        gone, new = _difference(before["Roles"], after["Roles"])
        for role in gone:
            with passing_over(_ABSENT):
                client.remove_role_from_instance_profile(InstanceProfileName=physical_id, RoleName=role)
        for role in new:
            client.add_role_to_instance_profile(InstanceProfileName=physical_id, RoleName=role)
        return self._created(client, physical_id)

    def delete(self, context: ResourceContext, physical_id: str, properties: Properties) -> None:
        client = context.client("iam")
        for role in properties["Roles"]:
            with passing_over(_ABSENT):
                client.remove_role_from_instance_profile(InstanceProfileName=physical_id, RoleName=role)
        with passing_over(_ABSENT):
            client.delete_instance_profile(InstanceProfileName=physical_id)

    def _created(self, client: Client, name: str) -> Created:
        profile = client.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
        return Created(name, {"Arn": profile["Arn"]})


class ManagedPolicy:
    """A managed policy, attached to the holders that it names."""

    name = "AWS::IAM::ManagedPolicy"
    properties = frozenset({"ManagedPolicyName", "Path", "Description", "PolicyDocument", *_HOLDERS})
    replacing = frozenset({"ManagedPolicyName", "Path", "Description"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        client = context.client("iam")
        arn = call(
            client,
            "CreatePolicy",
            PolicyName=properties.get("ManagedPolicyName") or context.physical_name(_LONGEST_POLICY),
            **_path(properties),
            Description=properties.get("Description"),
            PolicyDocument=document(properties["PolicyDocument"]),
        )["Policy"]["Arn"]
        with undone_on_failure(lambda: self.delete(context, arn, properties)):
            self._attach(client, arn, {}, properties)
        return self._created(client, arn)

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        """Make a new version the default; attach and detach."""
        client = context.client("iam")
        if before["PolicyDocument"] != after["PolicyDocument"]:
            self._remove_versions(client, physical_id, kept=_MOST_VERSIONS - 1)
            text = document(after["PolicyDocument"])
            client.create_policy_version(PolicyArn=physical_id, PolicyDocument=text, SetAsDefault=True)
        self._attach(client, physical_id, before, after)
        return self._created(client, physical_id)

    def delete(self, context: ResourceContext, physical_id: str, properties: Properties) -> None:
        client = context.client("iam")
        with passing_over(_ABSENT):
            self._attach(client, physical_id, properties, {})
            self._remove_versions(client, physical_id, kept=1)
            client.delete_policy(PolicyArn=physical_id)

    def _attach(self, client: Client, arn: str, before: Properties, after: Properties) -> None:
        for name, kind in _HOLDERS.items():
            gone, new = _difference(before.get(name, []), after.get(name, []))
            for holder in gone:
                with passing_over(_ABSENT):
                    _call(client, f"detach_{kind}_policy", kind, holder, PolicyArn=arn)
            for holder in new:
                _call(client, f"attach_{kind}_policy", kind, holder, PolicyArn=arn)

    def _remove_versions(self, client: Client, arn: str, *, kept: int) -> None:
        versions = client.list_policy_versions(PolicyArn=arn)["Versions"]
        others = [each["VersionId"] for each in versions if not each["IsDefaultVersion"]]
        oldest_first = sorted(others, key=lambda version: int(version.removeprefix("v")))
        for version in oldest_first[: max(0, len(versions) - kept)]:
            client.delete_policy_version(PolicyArn=arn, VersionId=version)

    def _created(self, client: Client, arn: str) -> Created:
        policy = client.get_policy(PolicyArn=arn)["Policy"]
        names = ("AttachmentCount", "DefaultVersionId", "IsAttachable", "PolicyId")
        return Created(arn, {"PolicyArn": arn, **{name: policy[name] for name in names}})


class Policy:
    """An inline policy of users, roles and groups that are declared elsewhere."""

    name = "AWS::IAM::Policy"
    properties = frozenset({"PolicyName", "PolicyDocument", *_HOLDERS})
    replacing: frozenset[str] = frozenset()

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        physical_id = context.physical_name(_LONGEST_POLICY)
        with undone_on_failure(lambda: self.delete(context, physical_id, properties)):
            self._put(context, properties)
        return Created(physical_id, {"Id": physical_id})

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        """Put the new policy, and delete the old one from holders that it no longer names."""
        self._put(context, after)
        still = set(_holders(after)) if before["PolicyName"] == after["PolicyName"] else set()
        self._remove(context, before["PolicyName"], [holder for holder in _holders(before) if holder not in still])
        return Created(physical_id, {"Id": physical_id})

    def delete(self, context: ResourceContext, _physical_id: str, properties: Properties) -> None:
        self._remove(context, properties["PolicyName"], _holders(properties))

    def _put(self, context: ResourceContext, properties: Properties) -> None:
        name, text = properties["PolicyName"], document(properties["PolicyDocument"])
        for kind, holder in _holders(properties):
            _call(context.client("iam"), f"put_{kind}_policy", kind, holder, PolicyName=name, PolicyDocument=text)

    def _remove(self, context: ResourceContext, name: str, holders: Iterable[tuple[str, str]]) -> None:
        for kind, holder in holders:
            with passing_over(_ABSENT):
                _call(context.client("iam"), f"delete_{kind}_policy", kind, holder, PolicyName=name)


class AccessKey:
    """A user's key; IAM returns its secret only at creation."""

    name = "AWS::IAM::AccessKey"
    properties = frozenset({"Serial", "UserName"})
    replacing = frozenset({"Serial", "UserName"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        key = context.client("iam").create_access_key(UserName=properties["UserName"])["AccessKey"]
        return Created(key["AccessKeyId"], {"Id": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"]})

    def update(self, _context: ResourceContext, physical_id: str, _before: Properties, _after: Properties) -> Created:
        return Created(physical_id, {"Id": physical_id})

    def delete(self, context: ResourceContext, physical_id: str, properties: Properties) -> None:
        with passing_over(_ABSENT):
            context.client("iam").delete_access_key(UserName=properties["UserName"], AccessKeyId=physical_id)


def _path(properties: Properties) -> dict[str, str]:
    return {"Path": str(properties["Path"])} if "Path" in properties else {}


def _call(client: Client, operation: str, kind: str, holder: str, **parameters: object) -> None:
    getattr(client, operation)(**{f"{kind.capitalize()}Name": holder}, **parameters)


def _difference(before: Iterable[str], after: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return what is only in the first and what is only in the second."""
    old, new = list(before), list(after)
    return [each for each in old if each not in new], [each for each in new if each not in old]


def _holders(properties: Properties) -> list[tuple[str, str]]:
    return [(kind, holder) for name, kind in _HOLDERS.items() for holder in properties.get(name, [])]


def _inline(properties: Properties) -> dict[str, str]:
    found: dict[str, str] = {}
    for policy in properties.get("Policies", []):
        refuse_others("Policies", policy, ("PolicyName", "PolicyDocument"))
        found[policy["PolicyName"]] = document(policy["PolicyDocument"])
    return found


def _change_policies(client: Client, kind: str, holder: str, before: Properties, after: Properties) -> None:
    old, new = _inline(before), _inline(after)
    for name in old.keys() - new.keys():
        with passing_over(_ABSENT):
            _call(client, f"delete_{kind}_policy", kind, holder, PolicyName=name)
    for name, text in new.items():
        if old.get(name) != text:
            _call(client, f"put_{kind}_policy", kind, holder, PolicyName=name, PolicyDocument=text)
    detached, attached = _difference(before.get("ManagedPolicyArns", []), after.get("ManagedPolicyArns", []))
    for arn in detached:
        with passing_over(_ABSENT):
            _call(client, f"detach_{kind}_policy", kind, holder, PolicyArn=arn)
    for arn in attached:
        _call(client, f"attach_{kind}_policy", kind, holder, PolicyArn=arn)
    _change_boundary(client, kind, holder, before, after)


def _change_boundary(client: Client, kind: str, holder: str, before: Properties, after: Properties) -> None:
    boundary = after.get("PermissionsBoundary")
    if before.get("PermissionsBoundary") == boundary:
        return
    if boundary:
        _call(client, f"put_{kind}_permissions_boundary", kind, holder, PermissionsBoundary=boundary)
    else:
        _call(client, f"delete_{kind}_permissions_boundary", kind, holder)


def _remove_policies(client: Client, kind: str, holder: str, properties: Mapping[str, Any]) -> None:
    """Remove inline and managed policies; the boundary is deleted with its holder."""
    _change_policies(client, kind, holder, properties, {"PermissionsBoundary": properties.get("PermissionsBoundary")})


def _change_tags(client: Client, kind: str, holder: str, before: Properties, after: Properties) -> None:
    gone, new = tag_changes(before, after)
    if gone:
        _call(client, f"untag_{kind}", kind, holder, TagKeys=gone)
    if new:
        _call(client, f"tag_{kind}", kind, holder, Tags=new)
