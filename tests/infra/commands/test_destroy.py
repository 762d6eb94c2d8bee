"""Tests of orchard destroy."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from infra import commandline
from infra.aws import cdk
from infra.aws.client import Aws
from infra.errors import (
    WrongUseError,
)
from infra.runs import step as steps
from infra.teardown import teardown
from job.errors import OrchardError
from tests.error_report import values
from tests.infra.conftest import ACCOUNT, Deployed, FakeCall, World, fake_call, let_stick


def orchard(world: World, typed: str, *words: str) -> int:
    given = commandline.parse(list(words))
    return int(given.command.execute(given, world.context(typed)))


def standing(world: World) -> list[str]:
    return sorted(stack["StackName"] for stack in world.aws.cloudformation.describe_stacks()["Stacks"])


STUCK_REASON = "Logs: It is not empty."
"""What CloudFormation answers in these tests if a stack cannot be deleted."""


def assert_stuck(error: OrchardError, stack: str) -> None:
    """Require that an error names the stack that could not be deleted, with CloudFormation's reason."""
    assert error.code == "ORC-232"
    assert values(error.message) == [stack]
    assert STUCK_REASON in error.message


def state_of(deployed: Deployed, world: World) -> str:
    described = world.aws.emr.describe_cluster(ClusterId=deployed.cluster)
    return described["Cluster"]["Status"]["State"]


def test_destroy_asks_ends_the_cluster_and_keeps_the_data(deployed: Deployed, world: World) -> None:
    world.aws.s3.put_object(Bucket=deployed.data, Key="results/first/manifest.json", Body=b"{}")

    code = orchard(world, "yes\n", "destroy")

    assert code == 0
    assert list(map(values, world.said[:5])) == [
        ["OrchardCluster"],
        ["yes"],
        [deployed.cluster],
        ["OrchardCluster"],
        ["OrchardCluster"],
    ]
    assert standing(world) == ["OrchardAccess", "OrchardData"]
    assert state_of(deployed, world) == "TERMINATED"
    assert world.aws.s3.list_objects_v2(Bucket=deployed.data)["KeyCount"] == 1


@pytest.mark.parametrize("typed", ["no\n", "\n", "", "y\n"])
def test_anything_but_yes_removes_nothing(deployed: Deployed, world: World, typed: str) -> None:
    with pytest.raises(WrongUseError) as raised:
        orchard(world, typed, "destroy")

    assert raised.value.code == "ORC-201"
    assert len(standing(world)) == 3
    assert state_of(deployed, world) == "WAITING"


def test_deleting_data_takes_the_whole_sentence(deployed: Deployed, world: World) -> None:
    world.aws.s3.put_object(Bucket=deployed.data, Key="results/x", Body=b"x")

    with pytest.raises(WrongUseError):
        orchard(world, "yes\n", "destroy", "--delete-data")

    assert any(deployed.data in line and deployed.logs in line for line in world.said)
    assert "'delete my data'" in world.said[-1]
    assert world.aws.s3.list_objects_v2(Bucket=deployed.data)["KeyCount"] == 1


def test_deleting_data_empties_buckets_and_sets_both_switches(deployed: Deployed, world: World) -> None:
    world.aws.s3.put_bucket_versioning(Bucket=deployed.data, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        world.aws.s3.put_object(Bucket=deployed.data, Key="results/x", Body=body)
    world.aws.s3.put_object(Bucket=deployed.logs, Key="emr/log", Body=b"x")

    orchard(world, "delete my data\n", "destroy", "--delete-data")

    assert f"{deployed.data}: 2 objects deleted." in world.said
    assert "Versions" not in world.aws.s3.list_object_versions(Bucket=deployed.data)
    assert "Contents" not in world.aws.s3.list_objects_v2(Bucket=deployed.logs)
    assert world.called == [
        [
            *("cdk", "deploy", "OrchardData", "--require-approval", "never", "-c", "region=eu-west-1"),
            *("-c", "delete_data=true", "-c", "confirm_delete_data=true"),
        ]
    ]
    removed = [line.split()[0] for line in world.said if line.endswith(" is deleted.")]
    assert removed == ["OrchardCluster", "OrchardAccess", "OrchardData"]
    assert standing(world) == []


@pytest.mark.usefixtures("deployed")
def test_nothing_more_is_deleted_if_the_switches_cannot_be_set(world: World) -> None:
    world.exit_codes = [1]

    with pytest.raises(OrchardError) as raised:
        orchard(world, "", "destroy", "--delete-data", "--yes")

    assert raised.value.code == "ORC-231"
    assert standing(world) == ["OrchardAccess", "OrchardData"]


def test_deletable_buckets_need_no_deployment(deployed: Deployed, world: World) -> None:
    template: dict[str, Any] = {
        "Resources": {"Data": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Delete"}},
        "Outputs": {"DataBucket": {"Value": deployed.data}, "LogsBucket": {"Value": deployed.logs}},
    }
    world.aws.cloudformation.update_stack(StackName="OrchardData", TemplateBody=json.dumps(template))

    orchard(world, "delete my data\n", "destroy", "--delete-data")

    assert world.called == []
    assert standing(world) == []
    assert f"{deployed.data}: 0 objects deleted." in world.said


def test_deleting_data_continues_after_a_bucket_was_deleted(deployed: Deployed, world: World) -> None:
    world.aws.s3.delete_bucket(Bucket=deployed.data)

    orchard(world, "delete my data\n", "destroy", "--delete-data")

    assert f"{deployed.data}: 0 objects deleted." in world.said


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("failures", [1, 2])
def test_a_stack_is_deleted_again_after_late_logs(world: World, failures: int) -> None:
    asked = let_stick(world.aws, "OrchardData", failures)

    orchard(world, "delete my data\n", "destroy", "--delete-data")

    assert asked == ["OrchardCluster", "OrchardAccess", *["OrchardData"] * (failures + 1)]
    stuck = [line for line in world.said if "OrchardData" in line and STUCK_REASON in line]
    assert len(stuck) == failures
    assert standing(world) == []


@pytest.mark.usefixtures("deployed")
def test_a_stack_with_buckets_that_sticks_for_good_is_told(world: World) -> None:
    let_stick(world.aws, "OrchardData", 3)

    with pytest.raises(OrchardError) as raised:
        orchard(world, "delete my data\n", "destroy", "--delete-data")

    assert_stuck(raised.value, "OrchardData")


def test_runs_in_progress_are_named_before_the_question(deployed: Deployed, world: World) -> None:
    steps.attach(world.aws, deployed.cluster, steps.step_configuration("mine", "s3://a", "s3://m", []))

    orchard(world, "yes\n", "destroy")

    assert world.said[1].endswith(": mine.")


def test_the_cdk_uses_the_given_profile() -> None:
    aws = Aws("eu-west-1", profile="test")

    assert cdk.deploy_command("OrchardData", aws)[-2:] == ["--profile", "test"]


def test_yes_asks_nothing(deployed: Deployed, world: World) -> None:
    orchard(world, "", "destroy", "--yes")

    assert state_of(deployed, world) == "TERMINATED"
    assert not any(line.startswith("Type ") for line in world.said)


@pytest.mark.usefixtures("deployed")
def test_a_stack_that_sticks_is_tried_once_more_after_the_sweep(world: World) -> None:
    asked = let_stick(world.aws, "OrchardCluster", 1)

    orchard(world, "", "destroy", "--yes")

    assert asked == ["OrchardCluster", "OrchardCluster"]
    assert len([line for line in world.said if "OrchardCluster" in line and STUCK_REASON in line]) == 1


@pytest.mark.usefixtures("deployed")
def test_a_stack_that_sticks_for_good_is_told(world: World) -> None:
    let_stick(world.aws, "OrchardCluster", 2)

    with pytest.raises(OrchardError) as raised:
        orchard(world, "", "destroy", "--yes")

    assert_stuck(raised.value, "OrchardCluster")


@pytest.mark.usefixtures("deployed")
def test_a_stack_that_takes_longer_than_half_an_hour_is_told(world: World) -> None:
    described = {"StackName": "OrchardCluster", "StackStatus": "DELETE_IN_PROGRESS", "CreationTime": datetime.now(UTC)}
    fake = FakeCall([{"Stacks": [described]}])
    world.aws.cloudformation.meta.events.register("before-call.cloudformation.DescribeStacks", fake)  # type: ignore[arg-type]
    context = world.context()

    with pytest.raises(OrchardError) as raised:
        teardown.delete_stack(world.aws, "OrchardCluster", context.clock, context.sleep)

    assert values(raised.value.message) == ["OrchardCluster", "DELETE_IN_PROGRESS", "30"]
    assert raised.value.hint.endswith(
        ": aws cloudformation describe-stack-events --stack-name OrchardCluster --region eu-west-1"
    )


def test_security_groups_that_refer_to_each_other_are_deleted(world: World) -> None:
    ec2 = world.aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    tags = [{"ResourceType": "security-group", "Tags": [{"Key": "project", "Value": "orchard"}]}]
    groups = [
        ec2.create_security_group(GroupName=name, Description="x", VpcId=vpc, TagSpecifications=tags)["GroupId"]
        for name in ("ElasticMapReduce-Primary", "ElasticMapReduce-Worker", "mine")
    ]
    for one, other in ((groups[0], groups[1]), (groups[1], groups[0])):
        pairs = [{"IpProtocol": "tcp", "FromPort": 0, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": other}]}]
        ec2.authorize_security_group_ingress(GroupId=one, IpPermissions=pairs)

    swept = teardown.sweep_security_groups(world.aws)

    left = {group["GroupName"] for group in ec2.describe_security_groups()["SecurityGroups"]}
    assert sorted(swept) == ["ElasticMapReduce-Primary", "ElasticMapReduce-Worker"]
    assert "mine" in left
    assert not left & set(swept)
    ec2.delete_security_group(GroupId=groups[2])


def test_a_cluster_that_does_not_end_is_told_with_what_ends_it(deployed: Deployed, world: World) -> None:
    context = world.context()

    with pytest.raises(OrchardError) as raised:
        teardown.wait_until_ended(world.aws, deployed.cluster, context.clock, context.sleep)

    assert values(raised.value.message) == [deployed.cluster, "WAITING", "30"]
    assert raised.value.hint.endswith(
        f": aws emr terminate-clusters --cluster-ids {deployed.cluster} --region eu-west-1"
    )


def tagged(world: World, *arns: str) -> None:
    listed = {"ResourceTagMappingList": [{"ResourceARN": arn} for arn in arns]}
    fake_call(world.aws, "resource-groups-tagging-api.GetResources", listed)


def test_leftover_resources_are_listed_by_cost(deployed: Deployed, world: World) -> None:
    ec2 = world.aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    kept = f"kept-{deployed.data}"
    world.aws.s3.create_bucket(Bucket=kept, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    # Given that the tagging service goes on listing a cluster's node that is long gone
    tagged(
        world,
        *(f"arn:aws:s3:::{deployed.data}", f"arn:aws:s3:::{kept}"),
        *(f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-0123456789abcdef0", f"arn:aws:ec2:eu-west-1:1:vpc/{vpc}"),
        f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:endpoint/fruits",
    )

    orchard(world, "", "destroy", "--yes")

    assert list(map(values, world.said[-8:])) == [
        [],
        [f"arn:aws:s3:::{deployed.data}"],
        [f"arn:aws:s3:::{kept}"],
        [f"aws s3 rb --force s3://{kept}"],
        [f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:endpoint/fruits"],
        [],
        [f"arn:aws:ec2:eu-west-1:1:vpc/{vpc}"],
        ["orchard destroy --delete-data"],
    ]
    # The service of the endpoint was not asked whether it exists
    arns = [line.strip().partition(" ") for line in world.said[-8:] if "arn:" in line]
    assert [bool(remark) for _arn, _space, remark in arns] == [False, False, True, False]
    ec2.delete_vpc(VpcId=vpc)
    world.aws.s3.delete_bucket(Bucket=kept)


def test_a_kept_bucket_is_named_before_data_is_deleted(deployed: Deployed, world: World) -> None:
    kept = f"kept-{deployed.data}"
    world.aws.s3.create_bucket(Bucket=kept, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    tagged(world, f"arn:aws:s3:::{deployed.data}", f"arn:aws:s3:::{kept}")

    with pytest.raises(WrongUseError):
        orchard(world, "no", "destroy", "--delete-data")

    everything, not_deleted, question = world.said[-3:]
    assert deployed.data in everything
    assert deployed.logs in everything
    assert kept in not_deleted
    assert "'delete my data'" in question
    world.aws.s3.delete_bucket(Bucket=kept)


def test_destroy_continues_without_permission_to_list_tags(deployed: Deployed, world: World) -> None:
    assert deployed.data
    fake_call(world.aws, "resource-groups-tagging-api.GetResources", {"Error": {"Code": "AccessDenied", "Message": ""}})

    with pytest.raises(WrongUseError) as raised:
        orchard(world, "no", "destroy", "--delete-data")

    assert raised.value.code == "ORC-201"
    assert "'delete my data'" in world.said[-1]


def test_a_kept_bucket_without_a_stack_has_its_delete_command(world: World) -> None:
    kept = "kept-of-no-stack"
    world.aws.s3.create_bucket(Bucket=kept, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    tagged(world, f"arn:aws:s3:::{kept}")

    orchard(world, "", "destroy", "--delete-data", "--yes")

    assert list(map(values, world.said)) == [
        [],
        [],
        [f"arn:aws:s3:::{kept}"],
        [f"aws s3 rb --force s3://{kept}"],
    ]
    world.aws.s3.delete_bucket(Bucket=kept)


@pytest.mark.usefixtures("deployed")
def test_listed_resources_that_no_longer_exist_are_not_left(world: World) -> None:
    tagged(world, f"arn:aws:ec2:eu-west-1:{ACCOUNT}:volume/vol-0123456789abcdef0", "arn:aws:s3:::gone-for-good")

    orchard(world, "", "destroy", "--yes")

    assert values(world.said[-1]) == []
    assert not any("arn:" in line for line in world.said)


def test_a_forgotten_cluster_is_destroyed_like_an_ended_one(deployed: Deployed, world: World) -> None:
    refusal = {"Code": "InvalidRequestException", "Message": "Cluster id 'j-1' is not valid."}
    fake_call(world.aws, "emr.DescribeCluster", {"Error": refusal})

    assert orchard(world, "", "destroy", "--yes") == 0

    assert standing(world) == ["OrchardAccess", "OrchardData"]
    assert values(world.said[1]) == [deployed.cluster]


@pytest.fixture
def stuck_group(world: World) -> Iterator[None]:
    """Have a group that EMR left and that something still uses, which moto does not mind."""
    ec2 = world.aws.client("ec2")
    tags = [{"ResourceType": "security-group", "Tags": [{"Key": "project", "Value": "orchard"}]}]
    group = ec2.create_security_group(GroupName="ElasticMapReduce-Stuck", Description="x", TagSpecifications=tags)
    refusal = {"Code": "DependencyViolation", "Message": "resource sg-1 has a dependent object"}
    fake_call(world.aws, "ec2.DeleteSecurityGroup", {"Error": refusal})
    yield
    ec2.delete_security_group(GroupId=group["GroupId"])


STUCK = ["ElasticMapReduce-Stuck", "DependencyViolation", "DeleteSecurityGroup", "sg-1"]
"""The values in what is printed of a group that AWS refuses to delete."""


@pytest.mark.usefixtures("deployed", "stuck_group")
def test_a_stuck_security_group_is_reported_after_the_stack(world: World) -> None:
    with pytest.raises(OrchardError) as raised:
        orchard(world, "", "destroy", "--yes")

    assert values(raised.value.message) == STUCK
    assert standing(world) == ["OrchardAccess", "OrchardData"]


@pytest.mark.usefixtures("deployed", "stuck_group")
def test_the_stack_is_retried_despite_a_stuck_security_group(world: World) -> None:
    asked = let_stick(world.aws, "OrchardCluster", 2)

    with pytest.raises(OrchardError) as raised:
        orchard(world, "", "destroy", "--yes")

    assert any(values(line) == STUCK for line in world.said)
    assert asked == ["OrchardCluster", "OrchardCluster"]
    assert_stuck(raised.value, "OrchardCluster")


def test_destroy_without_stacks_succeeds(world: World) -> None:
    assert orchard(world, "", "destroy") == 0
    assert list(map(values, world.said[:1])) == [[]]
    assert world.called == []
