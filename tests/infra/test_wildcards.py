"""Every wildcard in what the stacks allow is on a list with its reason; a new one fails."""

import re
from collections.abc import Iterator
from typing import Any

from infra.settings import NETWORKS
from tests.infra.synthesis import Environment, Synthesise

EVERYTHING = {
    "alert_email": "owner@example.org",
    "session_manager": True,
    "jupyterhub": True,
    "live_logs": True,
    "visual_words": True,
    "tls_certificates": "s3://secrets/certificates.zip",
}
"""Whatever adds a statement."""

READ = ("code", "images", "models", "notebooks", "results")
WRITTEN = ("notebooks", "results")
OF_THE_ENDPOINT = ("AmazonLinuxAndEmrPackages", "EmrLogs", "OwnBuckets", "OwnObjects", "SparkHistory")

CONFINED = ("AWS::KMS::Key", "EncryptDisksOfInstances", "OwnAccount", "SparkHistory")
"""Statements of keys and endpoints, which give nothing by themselves."""

_LINKED = "arn:aws:iam::*:role/aws-service-role"
_STEP_LOGS = "arn:aws:logs:eu-west-1:*:log-group:/orchard/steps"
_SUFFIX = "AWS adds the account and a suffix of its own; the condition names the service"
_KEY = "AWS::KMS::Key PermissionsDiskKey"
_KEY_ITSELF = "in a key's own policy, * is the key"
_ENDPOINT = "an endpoint's policy narrows what roles allow and gives nobody anything; the resources are named"
_OF_EMR = "as AWS's sample policy for private subnets has it: EMR's own buckets, in which EMR names the objects"
_FOLDER = "one folder of one of the two buckets: the names of the objects come with the data"

ALLOWED: dict[tuple[str, str, str], str] = {
    (_KEY, "Action", "kms:*"): "KMS's default: without the account's own administrators nobody could delete the key",
    (_KEY, "Resource", "*"): _KEY_ITSELF,
    ("EncryptDisksOfInstances", "Action", "kms:GenerateDataKey*"): "with and without plaintext, as for EBS's own key",
    ("EncryptDisksOfInstances", "Action", "kms:ReEncrypt*"): "from and to, as for EBS's own key",
    ("EncryptDisksOfInstances", "Principal", "*"): "its conditions: this account, through EC2; EC2's Spot role is one",
    ("EncryptDisksOfInstances", "Resource", "*"): _KEY_ITSELF,
    ("AWS::S3::BucketPolicy LogsPolicy", "Resource", "arn:aws:s3:::Logs/access/*"): "S3 delivers access logs there",
    ("CreateAWSServiceRoleForEC2Spot", "Resource", f"{_LINKED}/spot.amazonaws.com/AWSServiceRoleForEC2Spot*"): _SUFFIX,
    (
        "CreateAWSServiceRoleForEMRCleanup",
        "Resource",
        f"{_LINKED}/elasticmapreduce.amazonaws.com/AWSServiceRoleForEMRCleanup*",
    ): _SUFFIX,
    ("SeeNamesOfBuckets", "Resource", "*"): "the names of the account's buckets can only be listed as a whole",
    ("SessionManager", "Resource", "*"): "none of the agent's actions can be bound to a resource; only if switched on",
    ("ReadObjects", "Resource", "arn:aws:s3:::Data/*"): "the evaluator reads everything in this bucket",
    ("ReadObjects", "Resource", "arn:aws:s3:::Logs/*"): "the evaluator reads everything in this bucket",
    **{("ReadData", "Resource", f"arn:aws:s3:::Data/{folder}/*"): _FOLDER for folder in READ},
    **{("WriteData", "Resource", f"arn:aws:s3:::Data/{folder}/*"): _FOLDER for folder in WRITTEN},
    ("WriteLogs", "Resource", "arn:aws:s3:::Logs/emr/*"): _FOLDER,
    ("KeepNotebooks", "Resource", "arn:aws:s3:::Data/jupyter/*"): _FOLDER,
    (
        "FindJupyterHubPassword",
        "Resource",
        "arn:aws:ssm:eu-west-1:*:parameter/aws/reference/secretsmanager/JupyterHubPassword*",
    ): "a reference to one secret, whose name CloudFormation makes; only with JupyterHub",
    ("SendStepLogs", "Resource", f"{_STEP_LOGS}"): "one log group of this account; only with live_logs",
    ("SendStepLogs", "Resource", f"{_STEP_LOGS}:*"): "its streams, which EMR names",
    ("FindLogGroups", "Resource", "*"): "log groups can only be listed as a whole; only with live_logs",
    ("KeepSparkHistory", "Resource", "arn:aws:s3:::prod.eu-west-1.appinfo.src/*"): _OF_EMR,
    **{(sid, "Principal", "*"): _ENDPOINT for sid in OF_THE_ENDPOINT},
    **{
        ("OwnAccount", element, "*"): "its condition: this account; what a principal may do there, its role says"
        for element in ("Action", "Principal", "Resource")
    },
    ("OwnObjects", "Resource", "arn:aws:s3:::Data/*"): "what of it a node may touch, its role says",
    ("OwnObjects", "Resource", "arn:aws:s3:::Logs/*"): "what of it a node may touch, its role says",
    ("AmazonLinuxAndEmrPackages", "Resource", "arn:aws:s3:::al2023-repos-eu-west-1-de612dc2/*"): _OF_EMR,
    ("AmazonLinuxAndEmrPackages", "Resource", "arn:aws:s3:::repo.eu-west-1.emr.amazonaws.com/*"): _OF_EMR,
    ("EmrLogs", "Resource", "arn:aws:s3:::aws157-logs-prod-eu-west-1/*"): _OF_EMR,
    **{("SparkHistory", "Action", f"s3:{verb}*"): _OF_EMR for verb in ("Abort", "Create", "Get", "List", "Put")},
    ("SparkHistory", "Resource", "arn:aws:s3:::prod.eu-west-1.appinfo.src/*"): _OF_EMR,
}
"""Reasons, by the statement's Sid (or where it stands), the element, and the wildcard."""

_GENERATED = re.compile(r"(?<=[a-z])[0-9A-F]{8}\b")
"""What the CDK puts behind a logical id."""


def statements(environment: Environment) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every statement of every policy that allows something, and where it stands."""
    for stack in environment.stacks():
        for name, resource in environment.template(stack).get("Resources", {}).items():
            for policy in _policies(environment.resolve(stack, resource.get("Properties", {}))):
                found = policy["Statement"]
                for statement in found if isinstance(found, list) else [found]:
                    if statement["Effect"] == "Allow":
                        yield statement.get("Sid") or f"{resource['Type']} {name}", statement


def wildcards(environment: Environment) -> set[tuple[str, str, str]]:
    """Return every wildcard: whose, in which element, and what it says."""
    found = set()
    for whose, statement in statements(environment):
        for element in ("Action", "Resource", "Principal", "NotAction", "NotResource", "NotPrincipal"):
            assert element not in statement or not element.startswith("Not"), f"{whose} allows all but something"
            for value in _texts(statement.get(element, [])):
                if "*" in value:
                    found.add((_GENERATED.sub("", whose), element, _GENERATED.sub("", value)))
    return found


def _policies(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "Statement" in value:
            yield value
        for inner in value.values():
            yield from _policies(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _policies(inner)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    else:
        yield str(value)


def test_the_list_has_exactly_the_wildcards_of_the_stacks(environment: Synthesise) -> None:
    found = {one for network in NETWORKS for one in wildcards(environment(network=network, **EVERYTHING))}

    assert sorted(found - set(ALLOWED)) == [], "new: narrow it, or give its reason here"
    assert sorted(set(ALLOWED) - found) == [], "gone: take it off the list"


def test_nodes_and_evaluator_have_no_wildcard_of_actions(environment: Synthesise) -> None:
    made = environment(**EVERYTHING)

    assert [
        (whose, value)
        for whose, statement in statements(made)
        for value in _texts(statement["Action"])
        if "*" in value and not whose.startswith(CONFINED)
    ] == []


def test_a_wildcard_that_is_new_would_be_seen() -> None:
    new = {"Statement": {"Effect": "Allow", "Action": ["s3:*"], "Resource": {"Fn::Sub": "arn:aws:s3:::x/*"}}}

    assert list(_policies({"Properties": {"Policies": [{"PolicyDocument": new}]}})) == [new]
    assert list(_texts(new["Statement"]["Resource"])) == ["arn:aws:s3:::x/*"]
