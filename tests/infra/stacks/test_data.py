"""OrchardData keeps what its two buckets promise."""

from typing import Any

import pytest

from tests.infra.synthesis import Environment, Synthesise

STACK = "OrchardData"
BUCKETS = ("Data", "Logs")


def bucket(environment: Environment, name: str) -> dict[str, Any]:
    return environment.named(STACK, "AWS::S3::Bucket", name)


def statements(environment: Environment, name: str) -> list[dict[str, Any]]:
    policy = environment.named(STACK, "AWS::S3::BucketPolicy", name)
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def test_there_are_two_buckets(environment: Synthesise) -> None:
    assert len(environment().resources(STACK, "AWS::S3::Bucket")) == 2


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_encrypted(environment: Synthesise, name: str) -> None:
    assert bucket(environment(), name)["BucketEncryption"] == {
        "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    }


@pytest.mark.parametrize("name", BUCKETS)
def test_public_access_is_blocked(environment: Synthesise, name: str) -> None:
    assert bucket(environment(), name)["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }


@pytest.mark.parametrize("name", BUCKETS)
def test_what_does_not_come_by_tls_is_denied_to_everybody(environment: Synthesise, name: str) -> None:
    made = environment()
    (denied,) = [
        statement
        for statement in statements(made, name)
        if statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    ]
    (logical_id,) = [found for found in made.resources(STACK, "AWS::S3::Bucket") if found.startswith(name)]
    assert (denied["Effect"], denied["Action"], denied["Principal"], denied["Resource"]) == (
        "Deny",
        "s3:*",
        {"AWS": "*"},
        [f"arn:aws:s3:::{logical_id}", f"arn:aws:s3:::{logical_id}/*"],
    )


@pytest.mark.parametrize("name", BUCKETS)
def test_tls_older_than_1_2_is_denied(environment: Synthesise, name: str) -> None:
    conditions = [statement.get("Condition") for statement in statements(environment(), name)]
    assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in conditions


@pytest.mark.parametrize("name", BUCKETS)
def test_access_lists_are_switched_off(environment: Synthesise, name: str) -> None:
    assert bucket(environment(), name)["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_has_a_generated_name(environment: Synthesise, name: str) -> None:
    assert "BucketName" not in bucket(environment(), name)


@pytest.mark.parametrize("name", BUCKETS)
def test_unfinished_uploads_are_aborted_after_a_week(environment: Synthesise, name: str) -> None:
    rules = bucket(environment(), name)["LifecycleConfiguration"]["Rules"]
    assert {
        "Id": "unfinished-uploads",
        "Status": "Enabled",
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    } in rules


def test_logs_expire_after_the_days_that_were_set(environment: Synthesise) -> None:
    rules = bucket(environment(log_retention_days=14), "Logs")["LifecycleConfiguration"]["Rules"]
    assert {"Id": "expire", "Status": "Enabled", "ExpirationInDays": 14} in rules


def test_old_results_move_to_a_cheaper_class(environment: Synthesise) -> None:
    rules = bucket(environment(results_archive_days=45), "Data")["LifecycleConfiguration"]["Rules"]
    assert {
        "Id": "old-results",
        "Status": "Enabled",
        "Prefix": "results/",
        "Transitions": [{"StorageClass": "GLACIER_IR", "TransitionInDays": 45}],
    } in rules


def test_nothing_in_the_data_bucket_expires(environment: Synthesise) -> None:
    rules = bucket(environment(), "Data")["LifecycleConfiguration"]["Rules"]
    assert not [rule for rule in rules if "ExpirationInDays" in rule]


def test_logs_accesses_to_the_data_bucket(environment: Synthesise) -> None:
    made = environment()
    (logs,) = [name for name in made.resources(STACK, "AWS::S3::Bucket") if name.startswith("Logs")]
    assert bucket(made, "Data")["LoggingConfiguration"] == {
        "DestinationBucketName": logs,
        "LogFilePrefix": "access/",
    }


@pytest.mark.parametrize(
    ("switches", "policy"),
    [
        ({}, "Retain"),
        ({"delete_data": True}, "Retain"),
        ({"confirm_delete_data": True}, "Retain"),
        ({"delete_data": True, "confirm_delete_data": True}, "Delete"),
    ],
)
def test_data_survives_a_destroy_unless_both_switches_are_set(
    environment: Synthesise, switches: dict[str, bool], policy: str
) -> None:
    buckets = environment(**switches).resources(STACK, "AWS::S3::Bucket").values()
    assert [found["DeletionPolicy"] for found in buckets] == [policy, policy]


@pytest.mark.parametrize(
    ("given", "missing"), [("delete_data", "confirm_delete_data"), ("confirm_delete_data", "delete_data")]
)
def test_one_switch_alone_is_answered_with_the_name_of_the_other(
    environment: Synthesise, given: str, missing: str
) -> None:
    metadata = (environment(**{given: True}).folder / "OrchardData.metadata.json").read_text()
    assert f" -c {missing}=true " in metadata
    assert f" -c {given}=true " not in metadata


def test_nothing_needs_a_lambda_function(environment: Synthesise) -> None:
    made = environment(delete_data=True, confirm_delete_data=True)
    kinds = {r["Type"] for stack in made.stacks() for r in made.template(stack)["Resources"].values()}
    assert not [kind for kind in kinds if kind.startswith(("Custom::", "AWS::Lambda", "AWS::CloudFormation"))]


def test_the_names_of_the_buckets_are_outputs(environment: Synthesise) -> None:
    made = environment()
    outputs = made.template(STACK)["Outputs"]
    assert [made.resolve(STACK, outputs[f"{name}Bucket"]["Value"])[: len(name)] for name in BUCKETS] == list(BUCKETS)
