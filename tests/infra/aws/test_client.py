"""Tests of infra/aws/client.py: failures of AWS as a person reads them."""

import time

import pytest
from botocore import exceptions

from infra.aws import client
from infra.errors import (
    TryAgainError,
    WrongUseError,
)
from job.errors import OrchardError
from tests.infra.s3_server import DROP, FakeS3


def refusal(code: str, message: str = "", operation: str = "ListObjectsV2") -> exceptions.ClientError:
    return exceptions.ClientError({"Error": {"Code": code, "Message": message}}, operation)


SIGN_IN_AGAIN = "Sign in again: aws sso login, with --profile if you use one"


@pytest.mark.parametrize(
    ("error", "kind", "message", "hint"),
    [
        (
            exceptions.NoCredentialsError(),
            WrongUseError,
            "Could not list: there are no AWS credentials.",
            "Sign in (aws sso login, or aws configure), or name a profile with --profile.",
        ),
        (
            exceptions.UnauthorizedSSOTokenError(),
            WrongUseError,
            "Could not list: the sign-in has expired.",
            SIGN_IN_AGAIN,
        ),
        (
            exceptions.SSOTokenLoadError(error_msg="Token for https://us.example/start does not exist"),
            WrongUseError,
            "Could not list: the sign-in has expired.",
            SIGN_IN_AGAIN,
        ),
        (
            exceptions.TokenRetrievalError(provider="sso", error_msg="Token has expired and refresh failed"),
            WrongUseError,
            "Could not list: the sign-in has expired.",
            SIGN_IN_AGAIN,
        ),
        (
            exceptions.NoAuthTokenError(),
            WrongUseError,
            "Could not list: the sign-in has expired.",
            SIGN_IN_AGAIN,
        ),
        (
            exceptions.LoginRefreshRequired(),
            WrongUseError,
            "Could not list: the sign-in has expired.",
            "Sign in again: aws login, with --profile if you use one",
        ),
        (
            exceptions.LoginInsufficientPermissions(),
            WrongUseError,
            "Could not list: the sign-in may not give this machine credentials.",
            "Ask whoever manages the account for the permission signin:CreateOAuth2Token.",
        ),
        (
            exceptions.RefreshWithMFAUnsupportedError(),
            WrongUseError,
            "Could not list: the credentials have expired, and new ones need a code of your MFA device.",
            "Get new ones: aws sts get-session-token --serial-number ARN --token-code CODE",
        ),
        (
            exceptions.CredentialRetrievalError(provider="custom-process", error_msg="secret things"),
            WrongUseError,
            "Could not list: the program that gives out the credentials has failed.",
            "See what it says: aws sts get-caller-identity",
        ),
        (
            refusal("ExpiredToken", "The provided token has expired."),
            WrongUseError,
            "Could not list: the AWS credentials have expired.",
            "Sign in again: aws sso login",
        ),
        (
            refusal("SignatureDoesNotMatch", "secret things"),
            WrongUseError,
            "Could not list: AWS does not accept the credentials (SignatureDoesNotMatch).",
            "Check which are used: aws sts get-caller-identity",
        ),
        (
            refusal("AccessDenied", "User: me may not perform: s3:ListBucket on resource: b"),
            WrongUseError,
            "Could not list: ListObjectsV2 is not allowed. User: me may not perform: s3:ListBucket on resource: b",
            "Ask whoever manages the account for this permission, or use another --profile.",
        ),
        (
            refusal("SlowDown"),
            TryAgainError,
            "Could not list: AWS asks to slow down (SlowDown), 8 attempts long.",
            "Wait a minute, then type the same command again.",
        ),
        (
            refusal("InternalError"),
            TryAgainError,
            "Could not list: AWS failed (InternalError), 8 attempts long.",
            "Type the same command again later.",
        ),
        (
            refusal("PermanentRedirect"),
            WrongUseError,
            "Could not list: it is in another region (PermanentRedirect).",
            "Name the region where it is: --region REGION",
        ),
        (
            refusal("NoSuchBucket"),
            WrongUseError,
            "Could not list: the bucket is not there.",
            "If it was deleted by hand, make it anew: cdk destroy OrchardData, then cdk deploy OrchardData",
        ),
        (
            refusal("RequestTimeTooSkewed"),
            WrongUseError,
            "Could not list: this machine's clock is wrong.",
            "Set the clock, then type the same command again.",
        ),
        (
            exceptions.ConnectTimeoutError(endpoint_url="https://s3"),
            TryAgainError,
            "Could not list: AWS could not be reached (ConnectTimeoutError).",
            "Check the network, then type the same command again.",
        ),
        (
            refusal("ValidationException", "Step is not valid.", "AddJobFlowSteps"),
            OrchardError,
            "Could not list: ValidationException by AddJobFlowSteps. Step is not valid.",
            "Type the same command with --debug for the whole trace.",
        ),
    ],
)
def test_a_failure_is_one_sentence_and_what_to_do(
    error: Exception, kind: type[OrchardError], message: str, hint: str
) -> None:
    with pytest.raises(OrchardError) as raised, client.explained("list"):
        raise error

    assert isinstance(raised.value, kind)
    assert raised.value.exit_code == kind.exit_code
    assert (raised.value.message, raised.value.hint) == (message, hint)


@pytest.mark.parametrize("failure", [(503, "SlowDown"), (500, "InternalError"), (DROP, "")])
def test_a_call_that_fails_for_a_moment_is_made_again(
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


def test_what_is_no_failure_of_aws_passes_through() -> None:
    with pytest.raises(ZeroDivisionError), client.explained("divide"):
        raise ZeroDivisionError
