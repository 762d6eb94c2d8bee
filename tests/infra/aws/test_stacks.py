"""Tests of infra/aws/stacks.py: what the stacks say about themselves."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infra.aws import stacks
from infra.aws.client import Aws
from infra.errors import SignInError, StackNotReadyError
from tests.infra.conftest import make_stack


@contextmanager
def deployed(aws: Aws, name: str, outputs: dict[str, str]) -> Iterator[None]:
    make_stack(aws, name, outputs)
    yield
    aws.cloudformation.delete_stack(StackName=name)


def test_reads_buckets_and_cluster_from_the_stacks(aws: Aws) -> None:
    with (
        deployed(aws, "OrchardData", {"DataBucket": "the-data", "LogsBucket": "the-logs"}),
        deployed(aws, "OrchardCluster", {"ClusterId": "j-1ABC", "ReleaseLabel": "emr-7.14.0"}),
    ):
        assert stacks.data_bucket(aws) == "the-data"
        assert stacks.logs_bucket(aws) == "the-logs"
        assert stacks.cluster_id(aws) == "j-1ABC"
        assert stacks.outputs(aws, "OrchardCluster") == {"ClusterId": "j-1ABC", "ReleaseLabel": "emr-7.14.0"}


@pytest.mark.parametrize(
    ("stack", "command", "bootstrapped_by_hand"),
    [("OrchardData", "cdk deploy OrchardData", True), ("OrchardCluster", "orchard up", False)],
)
def test_names_the_commands_that_deploy_a_missing_stack(
    aws: Aws, stack: str, command: str, bootstrapped_by_hand: bool
) -> None:
    with pytest.raises(StackNotReadyError) as raised:
        stacks.outputs(aws, stack)

    assert stack in raised.value.message
    assert "eu-west-1" in raised.value.message
    assert f": {command}" in raised.value.hint
    assert ("cdk bootstrap" in raised.value.hint) is bootstrapped_by_hand


def test_does_not_find_a_stack_of_another_region(aws: Aws) -> None:
    with deployed(aws, "OrchardData", {"DataBucket": "the-data"}), pytest.raises(StackNotReadyError) as raised:
        stacks.data_bucket(Aws("eu-west-3"))

    assert "eu-west-3" in raised.value.message


def test_names_the_state_of_a_stack_without_outputs(aws: Aws) -> None:
    with deployed(aws, "OrchardData", {}), pytest.raises(StackNotReadyError) as raised:
        stacks.data_bucket(aws)

    assert "CREATE_COMPLETE" in raised.value.message
    assert raised.value.hint.endswith(": cdk deploy OrchardData")


def test_names_the_output_that_an_older_stack_lacks(aws: Aws) -> None:
    with deployed(aws, "OrchardData", {"Other": "x"}), pytest.raises(StackNotReadyError) as raised:
        stacks.logs_bucket(aws)

    assert "LogsBucket" in raised.value.message
    assert raised.value.hint.endswith(": cdk deploy OrchardData")


def test_asks_to_sign_in_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")

    with pytest.raises(SignInError):
        stacks.data_bucket(Aws("eu-west-1"))
