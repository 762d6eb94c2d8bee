"""The project's own policies in force: its synthesised stacks deployed on a local cloud, and who they are for."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tests.infra.synthesis import ROOT, Environment
from tests.localcloud.conftest import MakeClient

DATA, ACCESS, CLUSTER = "OrchardData", "OrchardAccess", "OrchardCluster"
OTHER = "a-foreign-bucket"

KEPT_OF_THE_CLUSTER = ("AWS::IAM::Role", "AWS::IAM::InstanceProfile", "AWS::KMS::Key")
"""Who may do what on a cluster; machines and networks do not matter to that, and take long to deploy."""

DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403")

ClientOf = Callable[[str], Any]


@dataclass(frozen=True)
class Deployed:
    """Deployed stacks, and the clients of their principals.

    Attributes
    ----------
    outputs
        Of all stacks.
    resources
        Physical ids by the start of the logical id, of the cluster's stack.
    asset
        Bucket and key of the start-up script.
    administrator, evaluator, node, service
        Make clients.
    """

    outputs: Mapping[str, str]
    resources: Mapping[str, str]
    asset: tuple[str, str]
    administrator: ClientOf
    evaluator: ClientOf
    node: ClientOf
    service: ClientOf

    @property
    def data(self) -> str:
        """The data bucket."""
        return self.outputs["DataBucket"]

    @property
    def logs(self) -> str:
        """The logs bucket."""
        return self.outputs["LogsBucket"]

    def resource(self, start: str) -> str:
        """Return the physical id of the one resource of the cluster's stack whose logical id starts so."""
        (found,) = [physical for logical, physical in self.resources.items() if logical.startswith(start)]
        return found


@contextmanager
def deployed(environment: Environment, client: MakeClient) -> Iterator[Deployed]:
    """Deploy the stacks of an environment, and take them down afterwards, with all they kept."""

    def administrator(service: str) -> Any:
        return client(service, region=environment.region)

    formation, s3 = administrator("cloudformation"), administrator("s3")
    boundary = administrator("iam").create_policy(
        PolicyName="OrchardBoundary", PolicyDocument=(ROOT / "docs" / "policies" / "boundary.json").read_text()
    )["Policy"]["Arn"]
    outputs: dict[str, str] = {}
    for stack in (DATA, ACCESS, CLUSTER):
        formation.create_stack(
            StackName=stack, TemplateBody=_template(environment, stack), Capabilities=["CAPABILITY_NAMED_IAM"]
        )
        described = formation.describe_stacks(StackName=stack)["Stacks"][0]
        assert described["StackStatus"] == "CREATE_COMPLETE", described.get("StackStatusReason")
        outputs |= {one["OutputKey"]: one["OutputValue"] for one in described.get("Outputs", [])}
    listed = formation.list_stack_resources(StackName=CLUSTER)["StackResourceSummaries"]
    resources = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in listed}
    asset = _asset(environment)
    for bucket in (OTHER, asset[0]):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": environment.region})
    secret = administrator("secretsmanager").get_secret_value(SecretId=outputs["EvaluatorSecret"])
    key = json.loads(secret["SecretString"])
    made = Deployed(
        outputs=outputs,
        resources=resources,
        asset=asset,
        administrator=administrator,
        evaluator=lambda service: client(
            service, key["access_key_id"], key["secret_access_key"], region=environment.region
        ),
        node=_assumed(client, environment.region, _only(resources, "PermissionsNodeRole")),
        service=_assumed(client, environment.region, _only(resources, "PermissionsServiceRole")),
    )
    try:
        yield made
    finally:
        for stack in (CLUSTER, ACCESS, DATA):
            formation.delete_stack(StackName=stack)
        administrator("iam").delete_policy(PolicyArn=boundary)
        for bucket in (made.data, made.logs, OTHER, asset[0]):
            for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
                s3.delete_object(Bucket=bucket, Key=entry["Key"])
            s3.delete_bucket(Bucket=bucket)


def answer(call: Callable[[], object]) -> str:
    """Return "allowed" or "denied", as the services answer a call; any other failure is raised."""
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] in DENIED:
            return "denied"
        raise
    return "allowed"


def _template(environment: Environment, stack: str) -> str:
    template = {name: part for name, part in environment.template(stack).items() if name not in ("Parameters", "Rules")}
    if stack == CLUSTER:
        kept = {n: one for n, one in template["Resources"].items() if one["Type"] in KEPT_OF_THE_CLUSTER}
        template = {"Resources": kept}
    return json.dumps(template)


def _asset(environment: Environment) -> tuple[str, str]:
    """Return bucket and key of the start-up script, as the node role's policy names them."""
    (action,) = environment.only(CLUSTER, "AWS::EMR::Cluster")["BootstrapActions"]
    path = action["ScriptBootstrapAction"]["Path"].replace("111122223333", "123456789012")
    bucket, _, key = path.removeprefix("s3://").partition("/")
    return bucket, key


def _only(resources: Mapping[str, str], start: str) -> str:
    (found,) = [physical for logical, physical in resources.items() if logical.startswith(start)]
    return found


def _assumed(client: MakeClient, region: str, role: str) -> ClientOf:
    """Return what makes clients that speak for a role, as a node or EMR gets it from the service that lends it."""
    arn = client("iam").get_role(RoleName=role)["Role"]["Arn"]
    given = client("sts", region=region).assume_role(RoleArn=arn, RoleSessionName="i-0")["Credentials"]

    def made(service: str) -> Any:
        return client(service, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], region=region)

    return made
