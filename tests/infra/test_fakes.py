"""Tests of the fakes that stand in for calls of AWS: what the real service would refuse, they refuse."""

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from infra.aws.client import Aws
from tests.infra.conftest import fake_call


def test_a_misnamed_parameter_is_refused_before_the_fake_call(aws: Aws) -> None:
    cancel_steps = fake_call(aws, "emr.CancelSteps", {"CancelStepsInfoList": []})

    with pytest.raises(ParamValidationError, match='Unknown parameter in input: "Cluster"'):
        aws.emr.cancel_steps(Cluster="j-1", StepIds=["s-1"])  # type: ignore[call-arg]

    assert cancel_steps.sent == []


def test_an_answer_that_the_service_cannot_give_fails_the_test(aws: Aws) -> None:
    fake_call(aws, "emr.CancelSteps", {"Cancelled": ["s-1"]})

    with pytest.raises(AssertionError, match='Unknown parameter in input: "Cancelled"'):
        aws.emr.cancel_steps(ClusterId="j-1", StepIds=["s-1"])


def test_a_refusal_comes_as_the_services_own(aws: Aws) -> None:
    fake_call(aws, "emr.CancelSteps", {"Error": {"Code": "InvalidRequestException", "Message": "No."}})

    with pytest.raises(ClientError) as raised:
        aws.emr.cancel_steps(ClusterId="j-1", StepIds=["s-1"])

    assert raised.value.response["Error"]["Code"] == "InvalidRequestException"
