"""What the stacks say of themselves: the names that they gave to buckets, cluster and evaluator."""

from collections.abc import Mapping

from botocore.exceptions import ClientError

from infra.deploy.aws import Aws, explained
from infra.errors import WrongUseError

DATA, ACCESS, CLUSTER = "OrchardData", "OrchardAccess", "OrchardCluster"


def outputs(aws: Aws, stack: str) -> Mapping[str, str]:
    """Return a stack's outputs by name.

    Raises
    ------
    WrongUseError
        If the stack is not there.
    """
    found = outputs_if_there(aws, stack)
    if found is None:
        command = "orchard up" if stack == CLUSTER else f"cdk deploy {stack}"
        raise WrongUseError(
            f"There is no stack {stack} in {aws.region}.", f"Deploy it: {command}, or name its region: --region REGION"
        )
    return found


def outputs_if_there(aws: Aws, stack: str) -> Mapping[str, str] | None:
    """Return a stack's outputs by name, None where there is no such stack."""
    with explained(f"look for the stack {stack}"):
        try:
            described = aws.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in error.response["Error"]["Message"]:
                return None
            raise
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", ())}


def data_bucket(aws: Aws) -> str:
    """Return the name of the bucket with images, code, models and results."""
    return outputs(aws, DATA)["DataBucket"]


def logs_bucket(aws: Aws) -> str:
    """Return the name of the bucket with logs."""
    return outputs(aws, DATA)["LogsBucket"]


def cluster_id(aws: Aws) -> str:
    """Return EMR's id of the cluster that the stack made, whether it still lives or not."""
    return outputs(aws, CLUSTER)["ClusterId"]
