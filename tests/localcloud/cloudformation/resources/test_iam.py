"""Users, roles, instance profiles, policies and keys: made, changed and removed as IAM itself tells it."""

import itertools
import json
import os
import re
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.iam import models

from localcloud.cloudformation.resource import ResourceContext
from localcloud.cloudformation.resources.iam import AccessKey, InstanceProfile, ManagedPolicy, Policy, Role, User
from tests.localcloud.cloudformation.resources.conftest import ACCOUNT, SETTINGS, Client, client, context_of, tags

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
EMR = "arn:aws:iam::aws:policy/service-role/AmazonEMRServicePolicy_v2"


@pytest.fixture(scope="module")
def policies_of_aws() -> str:
    """Return AWS's own policies as moto has them: the two that are named here, of more than a thousand."""
    known = json.loads(vars(models)["aws_managed_policies_data"])
    return json.dumps({name: known[name] for name in (arn.rpartition("/")[2] for arn in (READ_ONLY, EMR))})


@pytest.fixture
def aws(policies_of_aws: str) -> Iterator[Client]:
    """Return clients of an account that knows AWS's own policies."""
    settings = {**SETTINGS, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}
    # Reading all of them takes a second, and moto does so several times for each account.
    with (
        patch.dict(os.environ, settings),
        patch.object(models, "aws_managed_policies_data", policies_of_aws),
        mock_aws(),
    ):
        yield client


def allowing(action: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}],
}
OTHER_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}},
        {"Effect": "Allow", "Action": "sts:TagSession", "Principal": {"AWS": ACCOUNT}},
    ],
}
ROLE: dict[str, Any] = {
    "AssumeRolePolicyDocument": TRUST,
    "Description": "What nodes may do",
    "ManagedPolicyArns": [EMR],
    "Policies": [{"PolicyName": "Nodes", "PolicyDocument": allowing("s3:GetObject")}],
    "Tags": tags(project="orchard"),
}


def attached(iam: Any, role: str) -> list[str]:
    return [each["PolicyArn"] for each in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]]


def test_every_property_of_a_new_role_can_be_read_again(aws: Client, context: ResourceContext) -> None:
    boundary = {"PermissionsBoundary": READ_ONLY, "MaxSessionDuration": "7200", "Path": "/nodes/"}

    made = Role().create(context, ROLE | boundary)

    role = aws("iam").get_role(RoleName=made.physical_id)["Role"]
    assert re.fullmatch(r"Orchard-Thing-\w{12}", made.physical_id)
    assert made.attributes == {"Arn": role["Arn"], "RoleId": role["RoleId"]}
    assert role["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/nodes/{made.physical_id}"
    assert (role["Description"], role["MaxSessionDuration"]) == ("What nodes may do", 7200)
    assert role["AssumeRolePolicyDocument"] == TRUST
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == READ_ONLY
    assert role["Tags"] == tags(project="orchard")
    assert attached(aws("iam"), made.physical_id) == [EMR]
    inline = aws("iam").get_role_policy(RoleName=made.physical_id, PolicyName="Nodes")
    assert inline["PolicyDocument"] == allowing("s3:GetObject")


def test_a_role_is_changed_in_place(aws: Client, context: ResourceContext) -> None:
    name = Role().create(context, ROLE | {"PermissionsBoundary": READ_ONLY}).physical_id
    after = {
        "AssumeRolePolicyDocument": OTHER_TRUST,
        "Description": "Something else",
        "ManagedPolicyArns": [READ_ONLY],
        "Policies": [{"PolicyName": "Others", "PolicyDocument": allowing("s3:PutObject")}],
        "Tags": tags(owner="me"),
    }

    made = Role().update(context, name, ROLE | {"PermissionsBoundary": READ_ONLY}, after)

    iam = aws("iam")
    role = iam.get_role(RoleName=name)["Role"]
    assert made.physical_id == name
    assert role["AssumeRolePolicyDocument"] == OTHER_TRUST
    assert (role["Description"], role["Tags"]) == ("Something else", tags(owner="me"))
    assert "PermissionsBoundary" not in role
    assert attached(iam, name) == [READ_ONLY]
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["Others"]


def test_a_role_is_removed_with_its_own_policies(aws: Client, context: ResourceContext) -> None:
    name = Role().create(context, ROLE).physical_id
    Role().delete(context, name, ROLE)
    Role().delete(context, name, ROLE)
    assert aws("iam").list_roles()["Roles"] == []


def test_does_not_delete_a_role_with_foreign_policies(aws: Client, context: ResourceContext) -> None:
    name = Role().create(context, ROLE).physical_id
    aws("iam").attach_role_policy(RoleName=name, PolicyArn=READ_ONLY)
    with pytest.raises(ClientError, match="DeleteConflict"):
        Role().delete(context, name, ROLE)


def test_deletes_a_role_whose_managed_policy_does_not_exist(aws: Client, context: ResourceContext) -> None:
    with pytest.raises(ClientError, match="NoSuchEntity"):
        Role().create(context, ROLE | {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/NoSuchPolicy"]})
    assert aws("iam").list_roles()["Roles"] == []


def test_an_instance_profile_holds_its_role(aws: Client, context: ResourceContext) -> None:
    iam = aws("iam")
    for name in ("first", "second"):
        Role().create(context, ROLE | {"RoleName": name})
    before = {"InstanceProfileName": "nodes", "Path": "/nodes/", "Roles": ["first"]}

    made = InstanceProfile().create(context, before)

    profile = iam.get_instance_profile(InstanceProfileName="nodes")["InstanceProfile"]
    assert (made.physical_id, made.attributes) == ("nodes", {"Arn": profile["Arn"]})
    assert profile["Path"] == "/nodes/"
    assert [role["RoleName"] for role in profile["Roles"]] == ["first"]
    InstanceProfile().update(context, "nodes", before, before | {"Roles": ["second"]})
    profile = iam.get_instance_profile(InstanceProfileName="nodes")["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == ["second"]
    InstanceProfile().delete(context, "nodes", before | {"Roles": ["second"]})
    assert iam.list_instance_profiles()["InstanceProfiles"] == []


def test_a_user_is_made_changed_and_removed(aws: Client, context: ResourceContext) -> None:
    iam = aws("iam")
    before = {
        "Path": "/people/",
        "ManagedPolicyArns": [READ_ONLY],
        "Policies": [{"PolicyName": "Look", "PolicyDocument": allowing("s3:GetObject")}],
        "Tags": tags(project="orchard"),
    }

    made = User().create(context, before)

    name = made.physical_id
    user = iam.get_user(UserName=name)["User"]
    assert made.attributes == {"Arn": f"arn:aws:iam::{ACCOUNT}:user/people/{name}"}
    assert (user["Tags"], user["Path"]) == (tags(project="orchard"), "/people/")
    assert iam.list_user_policies(UserName=name)["PolicyNames"] == ["Look"]
    User().update(context, name, before, {})
    assert iam.get_user(UserName=name)["User"]["Path"] == "/"
    assert iam.list_attached_user_policies(UserName=name)["AttachedPolicies"] == []
    assert iam.list_user_policies(UserName=name)["PolicyNames"] == []
    assert "Tags" not in iam.get_user(UserName=name)["User"] or iam.get_user(UserName=name)["User"]["Tags"] == []
    User().delete(context, name, {})
    User().delete(context, name, {})
    assert iam.list_users()["Users"] == []


def test_an_access_key_returns_its_secret_and_is_deleted(aws: Client, context: ResourceContext) -> None:
    User().create(context, {"UserName": "evaluator"})
    properties = {"UserName": "evaluator", "Serial": 1}

    made = AccessKey().create(context, properties)

    (key,) = aws("iam").list_access_keys(UserName="evaluator")["AccessKeyMetadata"]
    assert made.physical_id == key["AccessKeyId"] == made.attributes["Id"]
    assert len(made.attributes["SecretAccessKey"]) == 40
    AccessKey().delete(context, made.physical_id, properties)
    AccessKey().delete(context, made.physical_id, properties)
    assert aws("iam").list_access_keys(UserName="evaluator")["AccessKeyMetadata"] == []


def test_a_higher_serial_takes_a_new_key() -> None:
    assert "Serial" in AccessKey().replacing


def test_a_managed_policy_is_attached_changed_and_removed(aws: Client, context: ResourceContext) -> None:
    iam = aws("iam")
    User().create(context, {"UserName": "evaluator"})
    Role().create(context, ROLE | {"RoleName": "nodes"})
    before = {
        "Description": "Looks",
        "Path": "/",
        "PolicyDocument": allowing("s3:GetObject"),
        "Users": ["evaluator"],
    }

    made = ManagedPolicy().create(context_of("LookOnly", aws), before)

    arn = made.physical_id
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    assert re.fullmatch(rf"arn:aws:iam::{ACCOUNT}:policy/Orchard-LookOnly-\w{{12}}", arn)
    assert made.attributes["PolicyArn"] == arn
    assert (policy["Description"], policy["AttachmentCount"]) == ("Looks", 1)
    after = {**before, "PolicyDocument": allowing("s3:ListBucket"), "Users": [], "Roles": ["nodes"]}
    ManagedPolicy().update(context, arn, before, after)
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    assert document == allowing("s3:ListBucket")
    assert iam.list_attached_user_policies(UserName="evaluator")["AttachedPolicies"] == []
    assert arn in attached(iam, "nodes")
    ManagedPolicy().delete(context, arn, after)
    ManagedPolicy().delete(context, arn, after)
    assert iam.list_policies(Scope="Local")["Policies"] == []


def test_updates_a_managed_policy_beyond_the_version_limit(aws: Client, context: ResourceContext) -> None:
    documents = [{"PolicyDocument": allowing(f"s3:Get{number}")} for number in range(8)]
    arn = ManagedPolicy().create(context, documents[0]).physical_id
    for before, after in itertools.pairwise(documents):
        ManagedPolicy().update(context, arn, before, after)
    versions = aws("iam").list_policy_versions(PolicyArn=arn)["Versions"]
    assert sorted(version["VersionId"] for version in versions) == ["v4", "v5", "v6", "v7", "v8"]
    assert [version["VersionId"] for version in versions if version["IsDefaultVersion"]] == ["v8"]


def test_an_inline_policy_follows_the_holders_it_names(aws: Client, context: ResourceContext) -> None:
    iam = aws("iam")
    for name in ("first", "second"):
        Role().create(context, {"RoleName": name, "AssumeRolePolicyDocument": TRUST})
    before = {"PolicyName": "Publish", "PolicyDocument": allowing("s3:PutObject"), "Roles": ["first"]}

    made = Policy().create(context, before)

    assert iam.get_role_policy(RoleName="first", PolicyName="Publish")["PolicyDocument"] == allowing("s3:PutObject")
    after = {"PolicyName": "Publish", "PolicyDocument": allowing("s3:GetObject"), "Roles": ["second"]}
    assert Policy().update(context, made.physical_id, before, after).physical_id == made.physical_id
    assert iam.list_role_policies(RoleName="first")["PolicyNames"] == []
    assert iam.get_role_policy(RoleName="second", PolicyName="Publish")["PolicyDocument"] == allowing("s3:GetObject")
    renamed = after | {"PolicyName": "Read"}
    Policy().update(context, made.physical_id, after, renamed)
    assert iam.list_role_policies(RoleName="second")["PolicyNames"] == ["Read"]
    Policy().delete(context, made.physical_id, renamed)
    Policy().delete(context, made.physical_id, renamed)
    assert iam.list_role_policies(RoleName="second")["PolicyNames"] == []
