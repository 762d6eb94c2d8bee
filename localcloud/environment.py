"""The environment variables with which plain ``aws``, ``cdk`` and boto3 use the local cloud."""

import os
import shlex
from collections.abc import Mapping

from localcloud.clients import ADMINISTRATOR_KEY

_MISLEADING = (
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
    *("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_ENDPOINT_URL_S3"),
)
"""Variables that could send some calls to a real account."""

_ENDPOINT_OF_A_SERVICE = "AWS_ENDPOINT_URL_"


def variables(endpoint: str, region: str) -> dict[str, str]:
    """Return the variables to set."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        **ADMINISTRATOR_KEY,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        # Otherwise a client without credentials waits for an address that answers only on EC2.
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "NO_PROXY": "127.0.0.1,localhost",
    }


def applied(environment: Mapping[str, str], endpoint: str, region: str) -> dict[str, str]:
    """Return an environment in which every call goes to the local cloud."""
    dropped = _misleading(environment)
    kept = {name: value for name, value in environment.items() if name not in dropped}
    return kept | variables(endpoint, region)


def without_account(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which no account can be reached: no key, and no file that may hold one."""
    kept = {name: value for name, value in environment.items() if not name.startswith("AWS_")}
    return kept | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
    }


def exports(endpoint: str, region: str, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the lines that set the variables in a shell with this environment."""
    settings = [f"export {name}={shlex.quote(value)}" for name, value in variables(endpoint, region).items()]
    return [f"unset {' '.join(_misleading(environment))}", *settings]


def _misleading(environment: Mapping[str, str]) -> list[str]:
    """Return the variables to remove: the usual ones, and the endpoint of each service that is set."""
    services = [name for name in environment if name.startswith(_ENDPOINT_OF_A_SERVICE)]
    return [*_MISLEADING, *sorted(set(services) - set(_MISLEADING))]
