"""Tests of infra/doctor/secrets.py."""

import pytest
from botocore.credentials import Credentials

from infra.doctor.secrets import Redact

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE+12"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("key AKIAIOSFODNN7EXAMPLE used", "AKIAIOSFODNN7EXAMPLE"),
        ("session ASIAIOSFODNN7EXAMPLE used", "ASIAIOSFODNN7EXAMPLE"),
        (f'"SecretAccessKey": "{SECRET}"', SECRET),
        (f"aws_secret_access_key = {SECRET}", SECRET),
        (f"a log line with {SECRET} in it", SECRET),
        ("AWS_SESSION_TOKEN=IQoJb3JpZ2luX2VjEHs", "IQoJb3JpZ2luX2VjEHs"),
        ('"SecretString": "{\\"password\\": \\"hunter22\\"}"', "hunter22"),
        ("password: hunter22", "hunter22"),
        ("https://b.s3.amazonaws.com/k?X-Amz-Signature=0123abcd&x=1", "0123abcd"),
        ("https://b/k?X-Amz-Credential=KEY%2F2026%2Feu&x=1", "KEY%2F2026%2Feu"),
        ("Authorization: Bearer eyJhbGciOi.eyJzdWIi.abc", "eyJhbGciOi.eyJzdWIi.abc"),
        ("git clone https://me:hunter22@example.org/x", "hunter22"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "MIIEow"),
        ('"alert_email": "owner@example.org"', "owner@example.org"),
        ("arn:aws:iam::123456789012:role/node", "123456789012"),
    ],
)
def test_hides_secrets(text: str, secret: str) -> None:
    hidden = Redact(None)(text)
    assert secret not in hidden
    assert hidden != ""


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:s3:::orcharddata-abc/results/first/manifest.json",
        "s3://bucket/models/0123456789abcdef0123456789abcdef01234567/network.tflite",
        "ValidationError: The stack is in state UPDATE_ROLLBACK_COMPLETE",
        '"SecurityConfiguration": "OrchardCluster-Security-1"',
        "features 1,700 of 40,000 photos",
        "arn:aws:secretsmanager:eu-west-1:[account]:secret:KeySecret2DA13121-x",
        '"Ref": "NetworkVpcprivateSubnet1Route123A3B0DF66"',
    ],
)
def test_keeps_everything_else(text: str) -> None:
    assert Redact(None)(text) == text


def test_hides_the_callers_own_credentials_anywhere() -> None:
    redact = Redact(Credentials("any", "a-very-long-own-secret", "an-own-session-token"), "123456789012")
    text = "x a-very-long-own-secret y an-own-session-token z assets-123456789012-eu-west-1"
    assert redact(text) == "x [hidden] y [hidden] z assets-[account]-eu-west-1"


def test_keeps_the_local_clouds_public_key_as_a_word() -> None:
    assert Redact(Credentials("testing", "testing"))("a testing step") == "a testing step"
