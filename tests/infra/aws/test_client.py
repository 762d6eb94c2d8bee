"""Tests of infra/aws/client.py: each failure of AWS has its code."""

import time

import pytest
from botocore import exceptions

from infra import invocation
from infra.aws import client
from infra.errors import BucketGoneError, WrongUseError
from job.errors import OrchardError, TryAgainError
from tests.infra.s3_server import DROP, FakeS3


def refusal(code: str, message: str = "", operation: str = "ListObjectsV2") -> exceptions.ClientError:
    return exceptions.ClientError({"Error": {"Code": code, "Message": message}}, operation)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (exceptions.NoCredentialsError(), "ORC-300"),
        (exceptions.UnauthorizedSSOTokenError(), "ORC-300"),
        (exceptions.SSOTokenLoadError(error_msg="Token for https://us.example/start does not exist"), "ORC-300"),
        (exceptions.TokenRetrievalError(provider="sso", error_msg="Token has expired"), "ORC-300"),
        (exceptions.NoAuthTokenError(), "ORC-300"),
        (exceptions.LoginRefreshRequired(), "ORC-300"),
        (exceptions.LoginInsufficientPermissions(), "ORC-300"),
        (exceptions.RefreshWithMFAUnsupportedError(), "ORC-300"),
        (exceptions.CredentialRetrievalError(provider="custom-process", error_msg="secret things"), "ORC-300"),
        (refusal("ExpiredToken", "The provided token has expired."), "ORC-300"),
        (refusal("SignatureDoesNotMatch", "secret things"), "ORC-300"),
        (refusal("AccessDenied", "User: me may not perform: s3:ListBucket"), "ORC-301"),
        (exceptions.ConnectTimeoutError(endpoint_url="https://s3"), "ORC-302"),
        (refusal("SlowDown"), "ORC-303"),
        (refusal("InternalError"), "ORC-303"),
        (refusal("PermanentRedirect"), "ORC-304"),
        (refusal("NoSuchBucket"), "ORC-305"),
        (refusal("RequestTimeTooSkewed"), "ORC-306"),
        (refusal("ValidationException", "Step is not valid."), "ORC-200"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_names_each_failure_by_its_code(error: Exception, code: str) -> None:
    with pytest.raises(OrchardError) as raised, client.explained("list the bucket"):
        raise error

    assert raised.value.code == code
    assert " list the bucket: " in raised.value.message
    assert raised.value.hint
    assert "secret things" not in str(raised.value)


@pytest.mark.parametrize("code", ["SlowDown", "InternalError"])
def test_lets_a_script_tell_what_may_pass(code: str) -> None:
    with pytest.raises(TryAgainError) as raised, client.explained("list"):
        raise refusal(code)

    assert raised.value.exit_code == 75
    assert f"({code})" in raised.value.message
    assert f" {client.ATTEMPTS} " in raised.value.message


def test_quotes_what_aws_says_of_a_refusal() -> None:
    said = "User: me may not perform: s3:ListBucket on\nresource: b"

    with pytest.raises(WrongUseError) as raised, client.explained("list"):
        raise refusal("AccessDenied", said)

    assert "ListObjectsV2" in raised.value.message
    assert raised.value.message.endswith(said.replace("\n", " "))


def test_names_the_commands_that_recreate_a_bucket() -> None:
    with invocation.given("work", None), pytest.raises(BucketGoneError) as raised, client.explained("list"):
        raise refusal("NoSuchBucket")

    assert "cdk destroy OrchardData --profile work" in raised.value.hint
    assert "cdk deploy OrchardData --profile work" in raised.value.hint


@pytest.mark.parametrize("failure", [(503, "SlowDown"), (500, "InternalError"), (DROP, "")])
def test_repeats_a_call_that_fails_for_a_moment(
    fake_s3: FakeS3, failure: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_s3.objects["images/1.jpg"] = b"x"
    fake_s3.list_failures = [failure] * 2
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)

    listed = client.Aws("eu-west-1").s3.list_objects_v2(Bucket="data")

    assert [entry["Key"] for entry in listed["Contents"]] == ["images/1.jpg"]
    assert fake_s3.list_failures == []
    assert len(waits) >= 2


def test_passes_on_errors_that_are_not_of_aws() -> None:
    with pytest.raises(ZeroDivisionError), client.explained("divide"):
        raise ZeroDivisionError
