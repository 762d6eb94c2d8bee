"""Run all checks of an account, or those that would stop a deployment."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from infra.aws import Aws, cdk, explained
from infra.cdk_context import read_settings
from infra.doctor import capacity, network, permissions, region
from infra.doctor.finding import Account, Finding, Level, failure, ok, warning
from infra.errors import AccountUnfitError, NotAllowedError, WrongUseError
from infra.settings import Settings
from job.errors import OrchardError

_POLICY = "attach docs/policies/operator.json to the caller"


class Check(NamedTuple):
    """A check; ``stops`` says whether its failure would stop a deployment."""

    name: str
    find: Callable[[Account, str], Finding]
    stops: bool


CHECKS: Sequence[Check] = (
    Check("region", region.zones, stops=True),
    Check("cdk bootstrap", region.bootstrap, stops=True),
    Check("bootstrap key", region.bootstrap_key, stops=True),
    Check("on-demand quota", capacity.on_demand_quota, stops=True),
    Check("spot quota", capacity.spot_quota, stops=True),
    Check("instance types", capacity.offerings, stops=True),
    Check("network", network.existing, stops=True),
    Check("emr role", region.emr_role, stops=False),
    Check("spot role", region.spot_role, stops=False),
    Check("permissions", permissions.simulated, stops=False),
)
"""In the order in which they are printed, after the check of the credentials."""


def examine(aws: Aws, settings: Settings, checks: Sequence[Check] = CHECKS) -> Iterator[Finding]:
    """Yield the finding of the credentials and, if these are valid, of each check."""
    try:
        with explained("find out whose credentials these are"):
            identity = aws.client("sts").get_caller_identity()
    except OrchardError as error:
        yield failure("credentials", error.message, error.hint)
        return
    account = Account(aws, settings, identity["Account"], identity["Arn"])
    yield ok("credentials", f"account {account.id}, {account.caller}")
    for check in checks:
        yield _result(check, account)


def require_deployable(aws: Aws, settings: Settings) -> None:
    """Raise AccountUnfitError for the first finding that would stop a deployment."""
    for finding in examine(aws, settings, [check for check in CHECKS if check.stops]):
        if finding.level is Level.FAILURE:
            raise AccountUnfitError(f"{finding.check}: {finding.message}", f"Fix: {finding.fix}")


def planned_settings(aws: Aws, words: Sequence[str]) -> Settings:
    """Return the settings of cdk.json, with ``NAME=VALUE`` words in their place and the region of the calls."""
    context = json.loads(cdk.CDK_JSON.read_text(encoding="utf-8"))["context"]
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise WrongUseError(f"-c must be NAME=VALUE, got '{word}'.", f"Type -c {name}=VALUE.")
        context[name] = value
    return read_settings({**context, "region": aws.region})


def _result(check: Check, account: Account) -> Finding:
    try:
        with explained(f"check the {check.name}"):
            return check.find(account, check.name)
    except NotAllowedError as error:
        return warning(check.name, f"not checked. {error.message}", _POLICY)
    except OrchardError as error:
        return failure(check.name, error.message, error.hint)
