"""Describes a request in IAM's terms: its actions, their resources and the condition keys."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from moto.core.request import Request
from moto.core.routing import get_service_router
from werkzeug.exceptions import NotFound

from localcloud.iam import deletions, identities
from localcloud.iam.policies import Action
from localcloud.iam.signatures import Arrived

# Actions whose names differ from S3's operations: "Actions, resources, and condition keys for Amazon S3".
_S3: Mapping[str, str] = {
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteObjects": "DeleteObject",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetObjectAttributes": "GetObject",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListParts": "ListMultipartUploadParts",
    "PutBucketCors": "PutBucketCORS",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
}

_OF_VERSIONS = {"GetObject": "GetObjectVersion", "DeleteObject": "DeleteObjectVersion"}

_PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag", "email": "ses", "api.ecr": "ecr"}
"""Prefixes of actions that differ from the name in the signature."""

_RESOURCES: Mapping[str, tuple[str, str]] = {
    "sts": ("RoleArn", "{}"),
    "cloudformation": ("StackName", "arn:aws:cloudformation:{region}:{account}:stack/{}/*"),
    "kms": ("KeyId", "arn:aws:kms:{region}:{account}:key/{}"),
    "sns": ("TopicArn", "{}"),
    "events": ("Name", "arn:aws:events:{region}:{account}:rule/{}"),
    "ssm": ("Name", "arn:aws:ssm:{region}:{account}:parameter/{}"),
    "secretsmanager": ("SecretId", "arn:aws:secretsmanager:{region}:{account}:secret:{}"),
    "elasticmapreduce": ("ClusterId", "arn:aws:elasticmapreduce:{region}:{account}:cluster/{}"),
}
"""The parameter that names what a call touches, and its ARN."""


@dataclass(frozen=True)
class Call:
    """What a request does.

    All ``actions`` must be allowed. The policy of ``bucket`` applies too. ``each`` holds actions that are decided one
    by one, by object key.
    """

    actions: tuple[Action, ...]
    bucket: str | None
    each: Mapping[str, Action] = field(default_factory=dict)


def s3_call(request: Arrived) -> Call:
    """Return what a request to S3 does."""
    routed = Request.from_primitives(
        request.method, f"http://s3{request.path}?{request.query}", dict(request.headers), request.body
    )
    try:
        operation, found = get_service_router("s3").match(routed)
        name = str(operation.name)
    except (NotFound, NotImplementedError, LookupError):
        name, found = "Unknown", {}
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    bucket, key = found.get("Bucket"), found.get("Key")
    context = _s3_context(query, request.headers)
    action = _S3.get(name, name)
    if "versionId" in query:
        action = _OF_VERSIONS.get(action, action)
    if bucket is None:
        return Call((Action(f"s3:{action}", "*", context),), None)
    if name == "DeleteObjects":
        several = {one: Action(f"s3:{action}", _s3_arn(bucket, one), context) for one in deletions.keys(request.body)}
        return Call(tuple(several.values()), bucket, several)
    actions = [Action(f"s3:{action}", _s3_arn(bucket, key), context)]
    if name in ("CopyObject", "UploadPartCopy"):
        source, _, versioned = unquote(request.headers["x-amz-copy-source"]).lstrip("/").partition("?")
        read = "s3:GetObjectVersion" if versioned else "s3:GetObject"
        actions.append(Action(read, _s3_arn(*source.split("/", 1)), context))
    return Call(tuple(actions), bucket)


def other_call(request: Arrived, service: str, region: str, account: str) -> Call:
    """Return what a request to any other service does."""
    target = request.headers.get("x-amz-target")
    parameters: Mapping[str, Any] = {}
    if target is not None:
        name = target.rsplit(".", 1)[-1]
        parameters = _json(request.body)
    else:
        parameters = dict(parse_qsl(request.body.decode(errors="replace")))
        name = str(parameters.get("Action", "Unknown"))
    resource = "*"
    if service in _RESOURCES:
        parameter, arn = _RESOURCES[service]
        value = parameters.get(parameter) or parameters.get("JobFlowId")
        if isinstance(value, str):
            resource = (
                value if value.startswith("arn:") else arn.format(value.lstrip("/"), region=region, account=account)
            )
    context = {"aws:requestedregion": [region]}
    if service == "iam":
        resource, more = identities.described(name, parameters, account)
        context |= more
    prefix = _PREFIXES.get(service, service)
    return Call((Action(f"{prefix}:{name}", resource, context),), None)


def _s3_arn(bucket: str, key: str | None = None) -> str:
    return f"arn:aws:s3:::{bucket}" if key is None else f"arn:aws:s3:::{bucket}/{key}"


def _s3_context(query: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, list[str]]:
    context = {f"s3:{name}": [query[name]] for name in ("prefix", "delimiter", "max-keys") if name in query}
    if "versionId" in query:
        context["s3:versionid"] = [query["versionId"]]
    for name, value in headers.items():
        if re.fullmatch(r"x-amz-(acl|storage-class|server-side-encryption.*|copy-source)", name):
            context[f"s3:{name}"] = [value]
    return context


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
