"""The checks of an account, with each fault planted in a local cloud."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.aws.client import Aws
from infra.cdk_context import read_settings
from infra.doctor import Finding, Level, examine, require_deployable
from infra.doctor.permissions import POLICY
from infra.errors import AccountUnfitError
from tests.error_report import values
from tests.infra.synthesis import default_context
from tests.localcloud.conftest import MakeClient, client, cloud  # noqa: F401 - fixtures

REGION = "eu-west-1"
SPOT = {"ServiceCode": "ec2", "QuotaCode": "L-34B43A08"}
ON_DEMAND = {"ServiceCode": "ec2", "QuotaCode": "L-1216C47A"}


def toolkit(key: str) -> dict[str, Any]:
    """Return the request for a bootstrap stack whose files are encrypted with a key."""
    template = {
        "Parameters": {"FileAssetsBucketKmsKeyId": {"Type": "String"}},
        "Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
    }
    parameter = {"ParameterKey": "FileAssetsBucketKmsKeyId", "ParameterValue": key}
    return {"StackName": "CDKToolkit", "TemplateBody": json.dumps(template), "Parameters": [parameter]}


class Owner:
    """An account in the local cloud, bootstrapped in one region."""

    def __init__(self, endpoint: str, make: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
        self._make = make
        self._monkeypatch = monkeypatch
        self.region = REGION
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        self.use("testing", "testing")
        self.set_version("30")
        self.set_key("AWS_MANAGED_KEY")
        self.boundary = self.client("iam").create_policy(
            PolicyName="OrchardBoundary", PolicyDocument=(POLICY.parent / "boundary.json").read_text()
        )["Policy"]["Arn"]

    def client(self, service: str) -> Any:
        return self._make(service, region=self.region)

    def use(self, key: str, secret: str) -> None:
        self._monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
        self._monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)

    def set_version(self, version: str) -> None:
        name = "/cdk-bootstrap/hnb659fds/version"
        self.client("ssm").put_parameter(Name=name, Value=version, Type="String", Overwrite=True)

    def set_key(self, key: str) -> None:
        """Have a bootstrap stack that was given this key."""
        formation = self.client("cloudformation")
        formation.delete_stack(StackName="CDKToolkit")
        formation.get_waiter("stack_delete_complete").wait(StackName="CDKToolkit", WaiterConfig={"Delay": 1})
        formation.create_stack(**toolkit(key))

    def examine(self, **settings: Any) -> dict[str, Finding]:
        context = default_context() | {"region": self.region} | settings
        return {found.check: found for found in examine(Aws(self.region), read_settings(context))}

    def user(self, name: str, *policies: str) -> str:
        """Create a user and use its key; return its ARN."""
        iam = self.client("iam")
        arn = str(iam.create_user(UserName=name)["User"]["Arn"])
        for number, policy in enumerate(policies):
            iam.put_user_policy(UserName=name, PolicyName=f"policy-{number}", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self.use(key["AccessKeyId"], key["SecretAccessKey"])
        return arn


@pytest.fixture
def owner(cloud: str, client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[Owner]:  # noqa: F811
    made = Owner(cloud, client, monkeypatch)
    yield made
    with suppress(ClientError):  # a test has deleted it
        made.client("iam").delete_policy(PolicyArn=made.boundary)
    made.client("cloudformation").delete_stack(StackName="CDKToolkit")
    for quota in (SPOT, ON_DEMAND):
        made.client("service-quotas").request_service_quota_increase(**quota, DesiredValue=1152)


def levels(found: dict[str, Finding]) -> dict[str, str]:
    """Return the checks that are not ok."""
    return {name: str(one.level) for name, one in found.items() if one.level is not Level.OK}


def test_a_ready_account_passes(owner: Owner) -> None:
    found = owner.examine()
    # Nothing has used EMR or Spot in this account yet.
    assert levels(found) == {"emr role": "warning", "spot role": "warning"}
    assert values(found["on-demand quota"].message) == values(found["spot quota"].message) == ["1152 vCPUs", "8"]
    assert found["instance types"].message == "m6i.xlarge, m5.xlarge in eu-west-1a, eu-west-1b"


def test_unknown_credentials_end_the_checks(owner: Owner) -> None:
    owner.use("AKIAUNKNOWN", "x" * 40)
    found = owner.examine()
    assert levels(found) == {"credentials": "failure"}
    assert list(found) == ["credentials"]


@pytest.mark.parametrize("version", ["5", None])
def test_a_missing_or_old_bootstrap_is_named(owner: Owner, version: str | None) -> None:
    if version is None:
        owner.client("ssm").delete_parameter(Name="/cdk-bootstrap/hnb659fds/version")
    else:
        owner.set_version(version)
    found = owner.examine()["cdk bootstrap"]
    assert (found.level, found.fix) == (Level.FAILURE, "cdk bootstrap aws://123456789012/eu-west-1")


def test_a_key_of_the_bootstrap_stack_is_named(owner: Owner) -> None:
    owner.set_key("")
    found = owner.examine()["bootstrap key"]
    fix = "cdk bootstrap aws://123456789012/eu-west-1 --no-bootstrap-customer-key"
    assert (found.level, found.fix) == (Level.FAILURE, fix)


def test_a_missing_boundary_is_named(owner: Owner) -> None:
    owner.client("iam").delete_policy(PolicyArn=owner.boundary)
    found = owner.examine()["boundary"]
    fix = "aws iam create-policy --policy-name OrchardBoundary --policy-document file://docs/policies/boundary.json"
    assert (found.level, found.fix) == (Level.FAILURE, f"{fix} --region eu-west-1")


def test_a_network_that_does_not_exist_is_named(owner: Owner) -> None:
    found = owner.examine(vpc_id="vpc-12345678", subnet_ids="subnet-12345678")["network"]
    assert (found.level, found.fix) == (Level.FAILURE, "list them: aws ec2 describe-subnets --region eu-west-1")


def test_a_quota_for_the_start_only_is_a_warning(owner: Owner) -> None:
    owner.client("service-quotas").request_service_quota_increase(**SPOT, DesiredValue=8)
    found = owner.examine(network="public", managed_scaling=True, scaling_max=11)["spot quota"]
    assert (found.level, "--desired-value 40 " in found.fix) == (Level.WARNING, True)


@pytest.mark.parametrize(("check", "quota"), [("spot quota", SPOT), ("on-demand quota", ON_DEMAND)])
def test_a_quota_of_zero_names_the_request(owner: Owner, check: str, quota: dict[str, str]) -> None:
    owner.client("service-quotas").request_service_quota_increase(**quota, DesiredValue=0)
    found = owner.examine()
    assert found[check].level is Level.FAILURE
    assert values(found[check].message) == ["8 vCPUs", "0"]
    command = "aws service-quotas request-service-quota-increase --service-code ec2 --quota-code"
    assert found[check].fix.startswith(f"{command} {quota['QuotaCode']} --desired-value 8 --region eu-west-1;")
    with pytest.raises(AccountUnfitError) as raised:
        require_deployable(Aws(REGION), read_settings(default_context()))
    assert (raised.value.code, raised.value.exit_code) == ("ORC-308", 2)
    assert check in raised.value.message


def test_without_spot_its_quota_is_not_needed(owner: Owner) -> None:
    owner.client("service-quotas").request_service_quota_increase(**SPOT, DesiredValue=0)
    found = owner.examine(spot_share=0)
    assert (found["spot quota"].level, found["spot role"].level) == (Level.OK, Level.OK)
    assert values(found["on-demand quota"].message) == ["1152 vCPUs", "16"]


def test_types_that_no_zone_offers_are_named(owner: Owner) -> None:
    # Of the region eu-south-1; EC2 does not offer Graviton 3 there.
    owner.region = "eu-south-1"
    owner.set_version("30")
    types = {"primary_instance_types": "m6g.xlarge", "worker_instance_types": "m7g.xlarge"}
    found = owner.examine(**types)["instance types"]
    assert found.level is Level.FAILURE
    assert "worker_instance_types" in found.message
    types["worker_instance_types"] = "m7g.xlarge,m6g.xlarge"
    found = owner.examine(**types)["instance types"]
    assert (found.level, found.fix) == (Level.WARNING, "remove them from cdk.json")


def test_existing_service_roles_pass(owner: Owner) -> None:
    iam = owner.client("iam")
    for service in ("elasticmapreduce.amazonaws.com", "spot.amazonaws.com"):
        name = {"elasticmapreduce.amazonaws.com": "AWSServiceRoleForEMRCleanup"}.get(
            service, "AWSServiceRoleForEC2Spot"
        )
        iam.create_role(RoleName=name, Path=f"/aws-service-role/{service}/", AssumeRolePolicyDocument="{}")
    try:
        assert levels(owner.examine()) == {}
    finally:
        for name in ("AWSServiceRoleForEMRCleanup", "AWSServiceRoleForEC2Spot"):
            iam.delete_role(RoleName=name)


def test_an_operator_has_all_permissions(owner: Owner) -> None:
    owner.user("operator", POLICY.read_text())
    found = owner.examine()
    assert levels(found) == {"emr role": "warning", "spot role": "warning"}


def test_a_missing_permission_is_named(owner: Owner) -> None:
    denied = {"Effect": "Deny", "Action": "elasticmapreduce:AddJobFlowSteps", "Resource": "*"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    arn = owner.user("narrow", json.dumps({"Version": "2012-10-17", "Statement": [everything, denied]}))
    found = owner.examine()["permissions"]
    assert (found.level, found.message) == (Level.FAILURE, "Not allowed: elasticmapreduce:AddJobFlowSteps.")
    assert found.fix.endswith(arn)


def test_checks_that_are_not_allowed_warn(owner: Owner) -> None:
    owner.user("nothing")
    found = owner.examine()
    assert found["credentials"].level is Level.OK
    assert {name: one.level for name, one in found.items() if one.level is Level.FAILURE} == {}
    assert found["permissions"].level is Level.WARNING
    assert found["spot quota"].level is Level.WARNING
