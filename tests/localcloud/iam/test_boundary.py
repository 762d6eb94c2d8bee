"""A role that an operator makes through CloudFormation's policy stays within the boundary, with any policy."""

import json
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.infra.conftest import environment, stub_wheelhouse  # noqa: F401 - fixtures
from tests.infra.synthesis import Environment
from tests.localcloud.conftest import MakeClient
from tests.localcloud.iam.deployed import OTHER, Deployed, answer, deployed

EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})


@pytest.fixture(scope="module")
def stacks(
    environment: Callable[..., Environment],  # noqa: F811 - the fixture
    client: MakeClient,
) -> Iterator[Deployed]:
    """Return the stacks, deployed, with every permission given to the nodes' role by an operator's template."""
    with deployed(environment(), client) as made:
        role = made.resource("PermissionsNodeRole")
        made.administrator("iam").put_role_policy(RoleName=role, PolicyName="All", PolicyDocument=EVERYTHING)
        yield made
        made.administrator("iam").delete_role_policy(RoleName=role, PolicyName="All")


def test_a_role_with_every_permission_cannot_change_iam(stacks: Deployed) -> None:
    iam = stacks.node("iam")
    role = stacks.resource("PermissionsNodeRole")
    arn = stacks.administrator("iam").get_role(RoleName=role)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"]
    tries = [
        iam.list_users,
        partial(iam.create_user, UserName="administrator"),
        partial(iam.create_role, RoleName="administrator", AssumeRolePolicyDocument=EVERYTHING),
        partial(iam.put_role_policy, RoleName=role, PolicyName="More", PolicyDocument=EVERYTHING),
        partial(iam.delete_role_permissions_boundary, RoleName=role),
        partial(iam.create_policy_version, PolicyArn=arn, PolicyDocument=EVERYTHING, SetAsDefault=True),
    ]
    assert [answer(attempt) for attempt in tries] == ["denied"] * len(tries)


def test_a_role_with_every_permission_reads_no_bucket_of_others(stacks: Deployed) -> None:
    s3 = stacks.node("s3")
    assert answer(partial(s3.list_objects_v2, Bucket=stacks.data)) == "allowed"
    assert answer(partial(s3.list_objects_v2, Bucket=OTHER)) == "denied"
