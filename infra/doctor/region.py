"""Check the region, the CDK's bootstrap stack and the service-linked roles."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from infra import invocation
from infra.aws import error_code, stacks
from infra.doctor.finding import Account, Finding, failure, ok, warning
from infra.emr import roles

_OLDEST_BOOTSTRAP = 6
"""The oldest version of `cdk bootstrap` that the stacks accept: a rule of their templates."""

_KEY_PARAMETER = "FileAssetsBucketKmsKeyId"
_NOT_ENABLED = ("OptInRequired", "AuthFailure", "UnrecognizedClientException", "InvalidClientTokenId")


def zones(account: Account) -> Finding:
    """Find out whether the region is enabled in the account."""
    region = account.aws.region
    try:
        answer = account.aws.client("ec2").describe_availability_zones()
    except ClientError as error:
        # The credentials are valid: the check before this one used them.
        if error_code(error) not in _NOT_ENABLED:
            raise
        return failure(
            f"{region} is not enabled in account {account.id}.",
            account.aws.typed(f"account enable-region --region-name {region}"),
        )
    return ok(f"{region}, zones {', '.join(available(answer))}")


def available(answer: Mapping[str, Any]) -> list[str]:
    """Return the names of the available zones in an answer of DescribeAvailabilityZones, sorted."""
    return sorted(zone["ZoneName"] for zone in answer["AvailabilityZones"] if zone["State"] == "available")


def bootstrap(account: Account) -> Finding:
    """Find out whether `cdk bootstrap` has run here, and recently enough."""
    fix = bootstrap_command(account)
    try:
        value = account.aws.client("ssm").get_parameter(Name=stacks.BOOTSTRAP_VERSION)["Parameter"]["Value"]
    except ClientError as error:
        if error_code(error) != "ParameterNotFound":
            raise
        return failure(f"The CDK requires its bootstrap stack in {account.aws.region}, found none.", fix)
    if int(value) < _OLDEST_BOOTSTRAP:
        return failure(f"The bootstrap stack must have version {_OLDEST_BOOTSTRAP} or later, got {value}.", fix)
    return ok(f"version {value}")


def bootstrap_key(account: Account) -> Finding:
    """Find out whether the nodes can decrypt the files that the CDK uploads: its own KMS key forbids them."""
    stack = stacks.describe(account.aws, stacks.TOOLKIT)
    if stack is None:
        return ok(f"not checked: there is no stack {stacks.TOOLKIT}")
    given = {one["ParameterKey"]: one.get("ParameterValue", "") for one in stack.get("Parameters", [])}
    key = given.get(_KEY_PARAMETER, "AWS_MANAGED_KEY")
    if key == "AWS_MANAGED_KEY":
        return ok("files of the CDK are encrypted with a key of AWS")
    return failure(
        f"The nodes must read the CDK's files, which are encrypted with {key or 'a key of the bootstrap stack'}.",
        f"{bootstrap_command(account)} --no-bootstrap-customer-key",
    )


def emr_role(account: Account) -> Finding:
    """Find out whether EMR's service-linked role exists."""
    return _service_linked(account, "elasticmapreduce.amazonaws.com")


def spot_role(account: Account) -> Finding:
    """Find out whether Spot's service-linked role exists, if Spot is used."""
    if account.settings.spot_share == 0 or account.settings.most_workers == account.settings.core_count:
        return ok("not needed: no Spot nodes")
    return _service_linked(account, "spot.amazonaws.com")


def bootstrap_command(account: Account) -> str:
    """Return the command that bootstraps the account and region."""
    return invocation.cdk(f"bootstrap aws://{account.id}/{account.aws.region}")


def _service_linked(account: Account, service: str) -> Finding:
    role = roles.SERVICE_LINKED_ROLES[service]
    try:
        account.aws.client("iam").get_role(RoleName=role)
    except ClientError as error:
        if error_code(error) != "NoSuchEntity":
            raise
        return warning(
            f"{role} does not exist. AWS creates it with the first cluster, if it may.",
            account.aws.typed(f"iam create-service-linked-role --aws-service-name {service}"),
        )
    return ok(f"{role} exists")
