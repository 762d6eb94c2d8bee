"""Tests of infra/aws/stacks.py: what the stacks say about themselves."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infra.aws import stacks
from infra.aws.client import Aws
from infra.errors import WrongUseError
from tests.infra.conftest import make_stack


@contextmanager
def deployed(aws: Aws, name: str, outputs: dict[str, str]) -> Iterator[None]:
    make_stack(aws, name, outputs)
    yield
    aws.cloudformation.delete_stack(StackName=name)


def test_buckets_and_cluster_are_read_from_the_stacks(aws: Aws) -> None:
    with (
        deployed(aws, "OrchardData", {"DataBucket": "the-data", "LogsBucket": "the-logs"}),
        deployed(aws, "OrchardCluster", {"ClusterId": "j-1ABC", "ReleaseLabel": "emr-7.14.0"}),
    ):
        assert stacks.data_bucket(aws) == "the-data"
        assert stacks.logs_bucket(aws) == "the-logs"
        assert stacks.cluster_id(aws) == "j-1ABC"
        assert stacks.outputs(aws, "OrchardCluster") == {"ClusterId": "j-1ABC", "ReleaseLabel": "emr-7.14.0"}


@pytest.mark.parametrize(
    ("stack", "command"), [("OrchardData", "cdk deploy OrchardData"), ("OrchardCluster", "orchard up")]
)
def test_a_missing_stack_is_named_with_the_command_that_deploys_it(aws: Aws, stack: str, command: str) -> None:
    with pytest.raises(WrongUseError) as raised:
        stacks.outputs(aws, stack)

    assert raised.value.message == f"There is no stack {stack} in eu-west-1."
    assert raised.value.hint == f"Deploy it: {command}; or name the region where it is: --region REGION"


def test_a_stack_in_another_region_is_missing_in_this_one(aws: Aws) -> None:
    with deployed(aws, "OrchardData", {"DataBucket": "the-data"}), pytest.raises(WrongUseError) as raised:
        stacks.data_bucket(Aws("eu-west-3"))

    assert raised.value.message == "There is no stack OrchardData in eu-west-3."


def test_a_stack_without_outputs_is_told_with_its_state(aws: Aws) -> None:
    with deployed(aws, "OrchardData", {}), pytest.raises(WrongUseError) as raised:
        stacks.data_bucket(aws)

    assert raised.value.message == "The stack OrchardData is not ready: it is in state CREATE_COMPLETE."
    assert raised.value.hint == ("If nothing is changing it at the moment, deploy it again: cdk deploy OrchardData")


def test_a_stack_of_another_version_is_told_with_the_output_that_it_lacks(aws: Aws) -> None:
    with deployed(aws, "OrchardData", {"Other": "x"}), pytest.raises(WrongUseError) as raised:
        stacks.logs_bucket(aws)

    assert raised.value.message == (
        "The stack OrchardData has no output LogsBucket: it was deployed by another version of this project."
    )
    assert raised.value.hint == "Deploy it again: cdk deploy OrchardData"


def test_no_credentials_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")

    with pytest.raises(WrongUseError) as raised:
        stacks.data_bucket(Aws("eu-west-1"))

    assert raised.value.message == "Could not read the stack OrchardData: there are no AWS credentials."
