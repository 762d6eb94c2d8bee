"""Run all checks of an account, or those that would stop a deployment."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from infra.aws import Aws, cdk, explained
from infra.cdk_context import SettingsError, read_settings
from infra.doctor import capacity, network, permissions, region
from infra.doctor.finding import Account, Finding, Level, failure, ok, warning
from infra.errors import AccountUnfitError, NotAllowedError, NotBootstrappedError
from infra.settings import Settings
from job.errors import OrchardError

_POLICY = "attach docs/policies/operator.json to the caller"


class Check(NamedTuple):
    """A check; ``stops`` is the error of a deployment that it stops, None where the deployment may try."""

    name: str
    find: Callable[[Account], Finding]
    stops: type[OrchardError] | None


CHECKS: Sequence[Check] = (
    Check("region", region.zones, AccountUnfitError),
    Check("cdk bootstrap", region.bootstrap, NotBootstrappedError),
    Check("bootstrap key", region.bootstrap_key, AccountUnfitError),
    Check("boundary", permissions.boundary, AccountUnfitError),
    Check("on-demand quota", capacity.on_demand_quota, AccountUnfitError),
    Check("spot quota", capacity.spot_quota, AccountUnfitError),
    Check("instance types", capacity.offerings, AccountUnfitError),
    Check("network", network.existing, AccountUnfitError),
    Check("emr role", region.emr_role, None),
    Check("spot role", region.spot_role, None),
    Check("permissions", permissions.simulated, None),
)
"""In the order in which they are printed, after the check of the credentials."""


def examine(aws: Aws, settings: Settings, checks: Sequence[Check] = CHECKS) -> Iterator[Finding]:
    """Yield the finding of the credentials and, if these are valid, of each check."""
    try:
        account = _account(aws, settings)
    except OrchardError as error:
        yield replace(failure(error.message, error.hint), check="credentials")
        return
    yield replace(ok(f"account {account.id}, {account.caller}"), check="credentials")
    for check in checks:
        yield _result(check, account)


def require_deployable(aws: Aws, settings: Settings) -> None:
    """Raise the error of the first check that would stop a deployment."""
    account = _account(aws, settings)
    for check in CHECKS:
        if check.stops is not None:
            finding = _result(check, account)
            if finding.level is Level.FAILURE:
                raise check.stops(f"{finding.check}: {finding.message}", f"Fix: {finding.fix}")


def planned_settings(given: Sequence[str], region: str) -> Settings:
    """Return the settings of a deployment, or raise SettingsError for a ``-c`` that it would refuse or ignore.

    Parameters
    ----------
    given
        Values of ``-c``, each ``NAME=VALUE``; all other settings are those of cdk.json.
    """
    context = cdk.context()
    for text in given:
        name, equals, value = text.partition("=")
        if equals and name in _GIVEN_OTHERWISE:
            raise SettingsError(f"-c cannot set {name} for this command, got '{text}'.", _GIVEN_OTHERWISE[name])
        context[name] = value if equals else context.get(name, "")
    settings = read_settings(context | {"region": region})
    for text in given:
        if "=" not in text:
            raise SettingsError(
                f"-c must be NAME=VALUE, got '{text}'.", f"Add the value, for instance: -c {text}={context[text]}"
            )
    return settings


_GIVEN_OTHERWISE = {
    "region": "Use --region REGION.",
    "generation": "Leave it out: it is raised when a new cluster is needed.",
}
"""Settings that the commands set themselves, and what to type instead."""


def _account(aws: Aws, settings: Settings) -> Account:
    with explained("find out whose credentials these are"):
        identity = aws.client("sts").get_caller_identity()
    return Account(aws, settings, identity["Account"], identity["Arn"])


def _result(check: Check, account: Account) -> Finding:
    try:
        with explained(f"check the {check.name}"):
            found = check.find(account)
    except NotAllowedError as error:
        found = warning(f"not checked. {error.message}", _POLICY)
    except OrchardError as error:
        found = failure(error.message, error.hint)
    return replace(found, check=check.name)
