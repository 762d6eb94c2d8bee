"""What tests of the deploy step share: an account that is no account, and an S3 that fails as it is told to."""

from collections.abc import Iterator

import pytest

from infra.deploy.aws import Aws
from tests.deploy.s3_server import FakeS3, running


@pytest.fixture
def aws(s3_endpoint: str) -> Aws:
    """Return an account served by moto on this machine."""
    del s3_endpoint
    return Aws("eu-west-1")


@pytest.fixture
def fake_s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeS3]:
    """Run an S3 that fails as it is told to, and point everything that speaks to AWS at it."""
    with running() as fake:
        settings = {
            "AWS_ENDPOINT_URL": fake.endpoint,
            "AWS_ACCESS_KEY_ID": "AKIDTESTING",
            "AWS_SECRET_ACCESS_KEY": "very-secret",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        yield fake
