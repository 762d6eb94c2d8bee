"""Acknowledge single cdk-nag findings on a construct, each with its reason."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import IConstruct

from infra.emr import Statement


def acknowledge(scope: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept findings on a construct and all inside it.

    Parameters
    ----------
    reasons
        Findings as cdk-nag names them without its prefix (``S1``, ``IAM5[Resource::*]``), with the reason why
        each is right here.
    """
    cdk.Validations.of(scope).acknowledge(
        *[
            cdk.Acknowledgment(id=f"AwsSolutions::AwsSolutions-{finding}", reason=reason)
            for finding, reason in reasons.items()
        ]
    )


def wildcard_reasons(statements: Sequence[Statement]) -> dict[str, str]:
    """Return the findings that statements with wildcards cause, with the reason that each statement gives.

    Parameters
    ----------
    statements
        Written with ``name_in_findings`` in place of a bucket's ARN, which is not known before deployment.
    """
    return {
        f"IAM5[Resource::{resource}]": statement.wildcard_reason
        for statement in statements
        for resource in statement.resources
        if "*" in resource
    }


def name_in_findings(bucket: s3.IBucket) -> str:
    """Return how cdk-nag writes the ARN of another stack's bucket: the name of its export."""
    stack = cdk.Stack.of(bucket)
    export: str = stack.resolve(stack.export_value(bucket.bucket_arn))["Fn::ImportValue"]
    return export
