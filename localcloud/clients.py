"""Creates boto3 clients of a local cloud."""

import threading
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import boto3
from botocore.config import Config

ADMINISTRATOR = "testing"
"""Access key id and secret of the local cloud's administrator; it opens nothing but this machine's cloud."""

ADMINISTRATOR_KEY = {"AWS_ACCESS_KEY_ID": ADMINISTRATOR, "AWS_SECRET_ACCESS_KEY": ADMINISTRATOR}

_CREATING = threading.Lock()
"""Many threads may use boto3's clients, but only one at a time may create them."""


def client(
    service: str, endpoint: str, region: str, key: Mapping[str, str] = ADMINISTRATOR_KEY, *, attempts: int = 2
) -> Any:  # noqa: ANN401 - its operations are created at run time
    """Return a client; ``key`` holds credentials by the names of their environment variables."""
    with _CREATING:
        return _session().client(
            service,  # type: ignore[call-overload]
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id=key["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=key["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=key.get("AWS_SESSION_TOKEN"),
            config=Config(retries={"total_max_attempts": attempts}, s3={"addressing_style": "path"}, proxies={}),
        )


def client_maker(endpoint: str, region: str) -> Callable[[str], Any]:
    """Return a function from a service's name to the administrator's client of it."""
    return partial(client, endpoint=endpoint, region=region)


@cache
def _session() -> boto3.Session:
    return boto3.Session()
