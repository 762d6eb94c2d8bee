"""Tests of orchard destroy."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from infra import cli
from infra.aws import cdk
from infra.aws.client import Aws
from infra.errors import (
    WrongUseError,
)
from infra.runs import step as steps
from infra.teardown import teardown
from job.errors import OrchardError
from tests.infra.conftest import ACCOUNT, Deployed, FakeCall, World, fake_call, let_stick


def orchard(world: World, typed: str, *words: str) -> int:
    given = cli.parse(list(words))
    return int(given.command.execute(given, world.context(typed)))


def standing(world: World) -> list[str]:
    return sorted(stack["StackName"] for stack in world.aws.cloudformation.describe_stacks()["Stacks"])


def state_of(deployed: Deployed, world: World) -> str:
    described = world.aws.emr.describe_cluster(ClusterId=deployed.cluster)
    return described["Cluster"]["Status"]["State"]


def test_destroy_shows_what_goes_asks_ends_the_cluster_and_keeps_the_data(deployed: Deployed, world: World) -> None:
    world.aws.s3.put_object(Bucket=deployed.data, Key="results/first/manifest.json", Body=b"{}")

    code = orchard(world, "yes\n", "destroy")

    assert code == 0
    assert world.said[:5] == [
        "This removes: OrchardCluster.",
        "Type 'yes' to go on:",
        f"The cluster {deployed.cluster} has ended.",
        "CloudFormation deletes OrchardCluster.",
        "OrchardCluster is gone.",
    ]
    assert standing(world) == ["OrchardAccess", "OrchardData"]
    assert state_of(deployed, world) == "TERMINATED"
    assert world.aws.s3.list_objects_v2(Bucket=deployed.data)["KeyCount"] == 1


@pytest.mark.parametrize("typed", ["no\n", "\n", "", "y\n"])
def test_anything_but_yes_removes_nothing(deployed: Deployed, world: World, typed: str) -> None:
    with pytest.raises(WrongUseError) as raised:
        orchard(world, typed, "destroy")

    assert raised.value.message == "Nothing was removed."
    assert len(standing(world)) == 3
    assert state_of(deployed, world) == "WAITING"


def test_deleting_data_takes_the_whole_sentence(deployed: Deployed, world: World) -> None:
    world.aws.s3.put_object(Bucket=deployed.data, Key="results/x", Body=b"x")

    with pytest.raises(WrongUseError):
        orchard(world, "yes\n", "destroy", "--delete-data")

    assert f"It deletes everything in {deployed.data} and {deployed.logs}, for good." in world.said
    assert "Type 'delete my data' to go on:" in world.said
    assert world.aws.s3.list_objects_v2(Bucket=deployed.data)["KeyCount"] == 1


def test_deleting_data_empties_both_buckets_and_sets_both_switches(deployed: Deployed, world: World) -> None:
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
    removed = [line for line in world.said if line.endswith(" is gone.")]
    assert removed == ["OrchardCluster is gone.", "OrchardAccess is gone.", "OrchardData is gone."]
    assert standing(world) == []


@pytest.mark.usefixtures("deployed")
def test_switches_that_cannot_be_set_stop_it_before_anything_else_goes(world: World) -> None:
    world.exit_codes = [1]

    with pytest.raises(OrchardError) as raised:
        orchard(world, "", "destroy", "--delete-data", "--yes")

    assert raised.value.message == "'cdk deploy OrchardData' failed; the CDK's own message is above."
    assert standing(world) == ["OrchardAccess", "OrchardData"]


def test_buckets_that_their_stack_lets_go_already_need_no_deployment(deployed: Deployed, world: World) -> None:
    template: dict[str, Any] = {
        "Resources": {"Data": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Delete"}},
        "Outputs": {"DataBucket": {"Value": deployed.data}, "LogsBucket": {"Value": deployed.logs}},
    }
    world.aws.cloudformation.update_stack(StackName="OrchardData", TemplateBody=json.dumps(template))

    orchard(world, "delete my data\n", "destroy", "--delete-data")

    assert world.called == []
    assert standing(world) == []
    assert f"{deployed.data}: 0 objects deleted." in world.said


def test_deleting_data_goes_on_where_an_earlier_call_had_deleted_a_bucket_already(
    deployed: Deployed, world: World
) -> None:
    world.aws.s3.delete_bucket(Bucket=deployed.data)

    orchard(world, "delete my data\n", "destroy", "--delete-data")

    assert f"{deployed.data}: 0 objects deleted." in world.said


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("failures", [1, 2])
def test_a_stack_with_buckets_is_deleted_again_after_late_logs_are_emptied(world: World, failures: int) -> None:
    asked = let_stick(world.aws, "OrchardData", failures)

    orchard(world, "delete my data\n", "destroy", "--delete-data")

    assert asked == ["OrchardCluster", "OrchardAccess", *["OrchardData"] * (failures + 1)]
    assert "CloudFormation could not delete OrchardData: Logs: It is not empty. Trying again." in world.said
    assert standing(world) == []


@pytest.mark.usefixtures("deployed")
def test_a_stack_with_buckets_that_sticks_for_good_is_told(world: World) -> None:
    let_stick(world.aws, "OrchardData", 3)

    with pytest.raises(OrchardError) as raised:
        orchard(world, "delete my data\n", "destroy", "--delete-data")

    assert str(raised.value) == (
        "CloudFormation could not delete OrchardData: Logs: It is not empty.\n"
        "Remove what is in the way, then type the same command again: it goes on where it stopped."
    )


def test_runs_that_are_lost_with_the_cluster_are_named_before_the_question(deployed: Deployed, world: World) -> None:
    steps.attach(world.aws, deployed.cluster, steps.step_configuration("mine", "s3://a", "s3://m", []))

    orchard(world, "yes\n", "destroy")

    assert world.said[1] == "The cluster is busy with runs that are lost with it: mine."


def test_the_cdk_works_in_the_account_of_the_profile_that_was_named() -> None:
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
    assert "CloudFormation could not delete OrchardCluster: Logs: It is not empty." in world.said


@pytest.mark.usefixtures("deployed")
def test_a_stack_that_sticks_for_good_is_told(world: World) -> None:
    let_stick(world.aws, "OrchardCluster", 2)

    with pytest.raises(OrchardError) as raised:
        orchard(world, "", "destroy", "--yes")

    assert raised.value.message == "CloudFormation could not delete OrchardCluster: Logs: It is not empty."


@pytest.mark.usefixtures("deployed")
def test_a_stack_that_takes_longer_than_half_an_hour_is_told(world: World) -> None:
    described = {"StackName": "OrchardCluster", "StackStatus": "DELETE_IN_PROGRESS", "CreationTime": datetime.now(UTC)}
    fake = FakeCall([{"Stacks": [described]}])
    world.aws.cloudformation.meta.events.register("before-call.cloudformation.DescribeStacks", fake)  # type: ignore[arg-type]
    context = world.context()

    with pytest.raises(OrchardError) as raised:
        teardown.delete_stack(world.aws, "OrchardCluster", context.clock, context.sleep)

    assert str(raised.value) == (
        "The stack OrchardCluster is still DELETE_IN_PROGRESS after 30 minutes.\n"
        "See what it waits for: "
        "aws cloudformation describe-stack-events --stack-name OrchardCluster --region eu-west-1"
    )


def test_groups_that_emr_left_are_swept_although_they_refer_to_each_other(world: World) -> None:
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

    assert raised.value.message == f"The cluster {deployed.cluster} is still WAITING after 30 minutes."
    assert raised.value.hint == (
        f"End it by hand: aws emr terminate-clusters --cluster-ids {deployed.cluster} --region eu-west-1"
    )


def tagged(world: World, *arns: str) -> None:
    listed = {"ResourceTagMappingList": [{"ResourceARN": arn} for arn in arns]}
    fake_call(world.aws, "resource-groups-tagging-api.GetResources", listed)


def test_what_is_left_is_listed_with_what_it_costs_and_how_sure_that_is(deployed: Deployed, world: World) -> None:
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

    assert world.said[-8:] == [
        "Left, and may cost:",
        f"  arn:aws:s3:::{deployed.data}",
        f"  arn:aws:s3:::{kept}",
        f"    of no stack any more; delete it: aws s3 rb --force s3://{kept}",
        f"  arn:aws:sagemaker:eu-west-1:{ACCOUNT}:endpoint/fruits (the tagging service says)",
        "Left, at no cost:",
        f"  arn:aws:ec2:eu-west-1:1:vpc/{vpc}",
        "Buckets and the evaluator stay on purpose. Remove them too: orchard destroy --delete-data",
    ]
    ec2.delete_vpc(VpcId=vpc)
    world.aws.s3.delete_bucket(Bucket=kept)


def test_a_kept_bucket_is_said_to_stay_before_all_other_data_is_removed(deployed: Deployed, world: World) -> None:
    kept = f"kept-{deployed.data}"
    world.aws.s3.create_bucket(Bucket=kept, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    tagged(world, f"arn:aws:s3:::{deployed.data}", f"arn:aws:s3:::{kept}")

    with pytest.raises(WrongUseError):
        orchard(world, "no", "destroy", "--delete-data")

    assert world.said[-3:] == [
        f"It deletes everything in {deployed.data} and {deployed.logs}, for good.",
        f"The bucket {kept}, kept from an earlier deployment, stays.",
        "Type 'delete my data' to go on:",
    ]
    world.aws.s3.delete_bucket(Bucket=kept)


def test_a_question_about_kept_buckets_that_is_refused_stops_no_removal(deployed: Deployed, world: World) -> None:
    assert deployed.data
    fake_call(world.aws, "resource-groups-tagging-api.GetResources", {"Error": {"Code": "AccessDenied", "Message": ""}})

    with pytest.raises(WrongUseError) as raised:
        orchard(world, "no", "destroy", "--delete-data")

    assert raised.value.message == "Nothing was removed."
    assert world.said[-1] == "Type 'delete my data' to go on:"


def test_a_bucket_that_was_kept_is_named_with_the_command_that_deletes_it_where_no_stack_stands(world: World) -> None:
    kept = "kept-of-no-stack"
    world.aws.s3.create_bucket(Bucket=kept, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    tagged(world, f"arn:aws:s3:::{kept}")

    orchard(world, "", "destroy", "--delete-data", "--yes")

    assert world.said == [
        "There is nothing to destroy.",
        "Left, and may cost:",
        f"  arn:aws:s3:::{kept}",
        f"    of no stack any more; delete it: aws s3 rb --force s3://{kept}",
    ]
    world.aws.s3.delete_bucket(Bucket=kept)


@pytest.mark.usefixtures("deployed")
def test_where_everything_that_is_listed_has_gone_nothing_is_left(world: World) -> None:
    tagged(world, f"arn:aws:ec2:eu-west-1:{ACCOUNT}:volume/vol-0123456789abcdef0", "arn:aws:s3:::gone-for-good")

    orchard(world, "", "destroy", "--yes")

    assert world.said[-1] == "Nothing is left that carries the project's tag."


def test_a_cluster_that_emr_has_forgotten_is_destroyed_as_one_that_has_ended(deployed: Deployed, world: World) -> None:
    refusal = {"Code": "InvalidRequestException", "Message": "Cluster id 'j-1' is not valid."}
    fake_call(world.aws, "emr.DescribeCluster", {"Error": refusal})

    assert orchard(world, "", "destroy", "--yes") == 0

    assert standing(world) == ["OrchardAccess", "OrchardData"]
    assert world.said[:2] == ["This removes: OrchardCluster.", f"The cluster {deployed.cluster} has ended."]


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


STUCK = (
    "Could not remove the security group ElasticMapReduce-Stuck that EMR left: "
    "DependencyViolation by DeleteSecurityGroup. resource sg-1 has a dependent object"
)


@pytest.mark.usefixtures("deployed", "stuck_group")
def test_a_group_that_cannot_be_removed_is_told_once_the_stack_is_gone(world: World) -> None:
    with pytest.raises(OrchardError) as raised:
        orchard(world, "", "destroy", "--yes")

    assert raised.value.message == STUCK
    assert standing(world) == ["OrchardAccess", "OrchardData"]


@pytest.mark.usefixtures("deployed", "stuck_group")
def test_a_group_that_cannot_be_removed_does_not_keep_the_stack_from_being_tried_again(world: World) -> None:
    asked = let_stick(world.aws, "OrchardCluster", 2)

    with pytest.raises(OrchardError) as raised:
        orchard(world, "", "destroy", "--yes")

    assert f"What EMR left stays for now: {STUCK}" in world.said
    assert asked == ["OrchardCluster", "OrchardCluster"]
    assert raised.value.message == "CloudFormation could not delete OrchardCluster: Logs: It is not empty."


def test_where_nothing_stands_nothing_is_destroyed_and_it_is_no_failure(world: World) -> None:
    assert orchard(world, "", "destroy") == 0
    assert world.said[0] == "There is nothing to destroy."
    assert world.called == []
