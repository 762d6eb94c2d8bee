"""What makes plain ``aws``, ``cdk`` and boto3 work against the local cloud: environment variables."""

import os
import shlex
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import boto3

ADMINISTRATOR = "testing"
"""Access key id and secret of the local cloud's administrator; it opens nothing but this machine's cloud."""

_IN_THE_WAY = (
    *("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
    *("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"),
)
"""Variables that would lead calls, or parts of them, to a real account."""


def variables(endpoint: str, region: str) -> dict[str, str]:
    """Return what has to be set."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": ADMINISTRATOR,
        "AWS_SECRET_ACCESS_KEY": ADMINISTRATOR,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        # Else a client without credentials asks an address that answers only on EC2, and waits.
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
    }


def applied(environment: Mapping[str, str], endpoint: str, region: str) -> dict[str, str]:
    """Return an environment in which every call goes to the local cloud."""
    kept = {name: value for name, value in environment.items() if name not in _IN_THE_WAY}
    return kept | variables(endpoint, region)


def without_account(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which no account can be reached: no key, no place of one, no file that may hold one."""
    kept = {name: value for name, value in environment.items() if not name.startswith("AWS_")}
    return kept | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
    }


def exports(endpoint: str, region: str) -> list[str]:
    """Return shell lines that set the same in the shell that reads them."""
    settings = [f"export {name}={shlex.quote(value)}" for name, value in variables(endpoint, region).items()]
    return [f"unset {' '.join(_IN_THE_WAY)}", *settings]


def client_maker(endpoint: str, region: str) -> Callable[[str], Any]:
    """Return what makes boto3 clients of the local cloud, with the administrator's key."""
    session = boto3.Session(ADMINISTRATOR, ADMINISTRATOR, region_name=region)
    return partial(session.client, endpoint_url=endpoint)
