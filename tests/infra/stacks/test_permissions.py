"""What EMR, the nodes and everybody else may do on a cluster: action by action, allowed and denied."""

from typing import Any

import pytest

from tests.infra.iam import allowed
from tests.infra.synthesis import ACCOUNT, Environment, Synthesise

STACK = "OrchardCluster"
CERTIFICATES = "s3://secrets/certificates.zip"
ASSETS = f"arn:aws:s3:::cdk-hnb659fds-assets-{ACCOUNT}-eu-west-1"

READ = "s3:GetObject"
WRITE = ("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")


def role(environment: Environment, name: str) -> dict[str, Any]:
    return environment.named(STACK, "AWS::IAM::Role", f"Permissions{name}")


def statements(environment: Environment, name: str) -> list[dict[str, Any]]:
    return [
        statement
        for policy in role(environment, name)["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def arn(environment: Environment, bucket: str) -> str:
    names = environment.resources("OrchardData", "AWS::S3::Bucket")
    return f"arn:aws:s3:::{next(name for name in names if name.startswith(bucket))}"


def node_may(environment: Environment, action: str, resource: str) -> bool:
    return allowed(statements(environment, "NodeRole"), action, resource)


@pytest.mark.parametrize("folder", ["images", "code", "models", "results", "notebooks"])
def test_nodes_read_what_the_job_reads(environment: Synthesise, folder: str) -> None:
    made = environment()
    assert node_may(made, READ, f"{arn(made, 'Data')}/{folder}/a/b")


@pytest.mark.parametrize("action", WRITE)
@pytest.mark.parametrize("folder", ["results", "notebooks"])
def test_nodes_write_results_and_notebooks(environment: Synthesise, folder: str, action: str) -> None:
    made = environment()
    assert node_may(made, action, f"{arn(made, 'Data')}/{folder}/a/b")


@pytest.mark.parametrize("action", WRITE)
@pytest.mark.parametrize("folder", ["images", "code", "models", "anything-else"])
def test_nodes_change_neither_images_nor_code_nor_models(environment: Synthesise, folder: str, action: str) -> None:
    made = environment()
    assert not node_may(made, action, f"{arn(made, 'Data')}/{folder}/a/b")


def test_nodes_list_the_data_bucket_whatever_the_prefix(environment: Synthesise) -> None:
    made = environment()
    assert node_may(made, "s3:ListBucket", arn(made, "Data"))


def test_nodes_write_logs_below_emr_only(environment: Synthesise) -> None:
    made = environment()
    logs = arn(made, "Logs")
    assert node_may(made, "s3:PutObject", f"{logs}/emr/j-1/steps/s-1/stderr.gz")
    assert not node_may(made, "s3:PutObject", f"{logs}/access/2026")


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:DeleteObject", "s3:ListBucket"])
def test_nodes_neither_read_nor_remove_logs(environment: Synthesise, action: str) -> None:
    made = environment()
    logs = arn(made, "Logs")
    assert not node_may(made, action, logs)
    assert not node_may(made, action, f"{logs}/emr/j-1/steps/s-1/stderr.gz")


def test_nodes_fetch_their_start_up_files_and_no_other_asset(environment: Synthesise) -> None:
    made = environment()
    (action,) = made.only(STACK, "AWS::EMR::Cluster")["BootstrapActions"]
    script = action["ScriptBootstrapAction"]
    for uri in (script["Path"], script["Args"][2]):
        assert node_may(made, READ, f"arn:aws:s3:::{uri.removeprefix('s3://')}")
    assert not node_may(made, READ, f"{ASSETS}/0123456789.zip")


@pytest.mark.parametrize(
    "action",
    [
        *("s3:DeleteBucket", "s3:PutBucketPolicy", "s3:PutLifecycleConfiguration", "s3:PutObjectAcl"),
        *("s3:ListAllMyBuckets", "iam:PassRole", "iam:CreateUser", "sts:AssumeRole", "ec2:RunInstances"),
        *("elasticmapreduce:TerminateJobFlows", "elasticmapreduce:AddJobFlowSteps", "dynamodb:GetItem"),
        *("secretsmanager:GetSecretValue", "ssm:UpdateInstanceInformation", "kms:CreateGrant"),
        *("kms:ScheduleKeyDeletion", "cloudformation:DeleteStack", "logs:PutLogEvents"),
    ],
)
def test_nodes_may_do_nothing_else(environment: Synthesise, action: str) -> None:
    made = environment()
    for resource in ("*", arn(made, "Data"), f"{arn(made, 'Data')}/results/a", key(made)):
        assert not node_may(made, action, resource)


def test_nodes_see_into_no_other_bucket(environment: Synthesise) -> None:
    made = environment()
    assert not node_may(made, READ, "arn:aws:s3:::somebody-else/images/a.jpg")
    assert not node_may(made, "s3:ListBucket", "arn:aws:s3:::somebody-else")


def test_the_only_foreign_bucket_that_nodes_write_to_is_emrs_own(environment: Synthesise) -> None:
    made = environment()
    written = {
        resource.removeprefix("arn:aws:s3:::").split("/")[0]
        for statement in statements(made, "NodeRole")
        if "s3:PutObject" in statement["Action"]
        for resource in listed(statement["Resource"])
    }
    own = {arn(made, name).removeprefix("arn:aws:s3:::") for name in ("Data", "Logs")}
    assert written - own == {"prod.eu-west-1.appinfo.src"}


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


SESSION_MANAGER = (
    *("ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel"),
    *("ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"),
)


@pytest.mark.parametrize("action", SESSION_MANAGER)
def test_session_manager_adds_what_its_agent_needs(environment: Synthesise, action: str) -> None:
    assert node_may(environment(session_manager=True), action, "*")


@pytest.mark.parametrize("action", ["ssm:SendCommand", "ssm:StartSession", "ssm:GetParameter"])
def test_session_manager_lets_no_node_command_another(environment: Synthesise, action: str) -> None:
    assert not node_may(environment(session_manager=True), action, "*")


def test_jupyterhub_adds_its_own_password_and_no_other_secret(environment: Synthesise) -> None:
    made = environment(session_manager=True, jupyterhub=True)
    secret = made.resolve(STACK, made.template(STACK)["Outputs"]["JupyterHubSecret"]["Value"])
    assert node_may(made, "secretsmanager:GetSecretValue", secret)
    assert not node_may(made, "secretsmanager:GetSecretValue", f"{secret}-other")


def test_jupyterhub_reads_its_password_through_systems_manager(environment: Synthesise) -> None:
    made = environment(session_manager=True, jupyterhub=True)
    references = f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/aws/reference/secretsmanager"
    assert node_may(made, "ssm:GetParameter", f"{references}/JupyterHubPassword02-9aB8")
    assert not node_may(made, "ssm:GetParameter", f"{references}/KeySecret-9aB8")
    assert not node_may(
        environment(session_manager=True), "ssm:GetParameter", f"{references}/JupyterHubPassword02-9aB8"
    )


def test_live_logs_add_one_log_group(environment: Synthesise) -> None:
    group = f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group"
    made = environment(live_logs=True)
    assert node_may(made, "logs:PutLogEvents", f"{group}:/orchard/steps:log-stream:/steps/s-1/stderr")
    assert not node_may(made, "logs:PutLogEvents", f"{group}:/aws/other:log-stream:x")
    assert not node_may(environment(), "logs:PutLogEvents", f"{group}:/orchard/steps:log-stream:x")


def test_jupyterhub_adds_its_notebook_folder(environment: Synthesise) -> None:
    made = environment(session_manager=True, jupyterhub=True)
    notebook = f"{arn(made, 'Data')}/jupyter/jovyan/notebook.ipynb"
    assert [node_may(made, action, notebook) for action in (READ, "s3:PutObject", "s3:DeleteObject")] == [True] * 3
    assert not node_may(environment(), "s3:PutObject", notebook)


def test_certificates_add_the_very_object_that_holds_them(environment: Synthesise) -> None:
    made = environment(tls_certificates=CERTIFICATES)
    assert node_may(made, READ, "arn:aws:s3:::secrets/certificates.zip")
    assert not node_may(made, READ, "arn:aws:s3:::secrets/others.zip")


def test_the_instance_profile_bears_the_name_of_its_role(environment: Synthesise) -> None:
    profile = environment().only(STACK, "AWS::IAM::InstanceProfile")
    assert [profile["InstanceProfileName"]] == profile["Roles"]


def test_only_ec2_lends_the_nodes_role(environment: Synthesise) -> None:
    (trust,) = role(environment(), "NodeRole")["AssumeRolePolicyDocument"]["Statement"]
    assert (trust["Principal"], trust["Action"]) == ({"Service": "ec2.amazonaws.com"}, "sts:AssumeRole")


def test_no_role_bears_a_retired_policy(environment: Synthesise) -> None:
    made = environment()
    assert "ManagedPolicyArns" not in role(made, "NodeRole")
    assert role(made, "ServiceRole")["ManagedPolicyArns"] == [
        "arn:aws:iam::aws:policy/service-role/AmazonEMRServicePolicy_v2"
    ]


def test_only_emr_assumes_the_service_role_for_this_account(
    environment: Synthesise,
) -> None:
    (trust,) = role(environment(), "ServiceRole")["AssumeRolePolicyDocument"]["Statement"]
    assert (trust["Principal"], trust["Condition"]) == (
        {"Service": "elasticmapreduce.amazonaws.com"},
        {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": f"arn:aws:elasticmapreduce:eu-west-1:{ACCOUNT}:*"},
        },
    )


def service_may(environment: Environment, action: str, resource: str, **context: str) -> bool:
    keys = {name.replace("__", ":"): value for name, value in context.items()}
    return allowed(statements(environment, "ServiceRole"), action, resource, keys)


def node_role_arn(environment: Environment) -> str:
    (name,) = [
        found for found in environment.resources(STACK, "AWS::IAM::Role") if found.startswith("PermissionsNodeRole")
    ]
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def key(environment: Environment) -> str:
    (name,) = environment.resources(STACK, "AWS::KMS::Key")
    return f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/{name}"


def test_emr_passes_the_nodes_role_to_ec2(environment: Synthesise) -> None:
    made = environment()
    assert service_may(made, "iam:PassRole", node_role_arn(made), iam__PassedToService="ec2.amazonaws.com")


def test_emr_passes_that_role_to_nothing_else_and_no_other_role(environment: Synthesise) -> None:
    made = environment()
    assert not service_may(made, "iam:PassRole", node_role_arn(made), iam__PassedToService="lambda.amazonaws.com")
    assert not service_may(
        made, "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/Admin", iam__PassedToService="ec2.amazonaws.com"
    )


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("spot.amazonaws.com", "AWSServiceRoleForEC2Spot"),
        ("elasticmapreduce.amazonaws.com", "AWSServiceRoleForEMRCleanup"),
    ],
)
def test_emr_makes_the_service_linked_roles_of_a_first_cluster(
    environment: Synthesise, service: str, name: str
) -> None:
    linked = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{service}/{name}"
    made = environment()
    assert service_may(made, "iam:CreateServiceLinkedRole", linked, iam__AWSServiceName=service)
    assert not service_may(made, "iam:CreateServiceLinkedRole", linked, iam__AWSServiceName="lambda.amazonaws.com")


def test_emr_lends_the_disks_key_to_aws_resources_only(environment: Synthesise) -> None:
    made = environment()
    assert service_may(made, "kms:CreateGrant", key(made), kms__GrantIsForAWSResource="true")
    assert not service_may(made, "kms:CreateGrant", key(made), kms__GrantIsForAWSResource="false")


@pytest.mark.parametrize("action", ["iam:CreateRole", "s3:GetObject", "kms:ScheduleKeyDeletion"])
def test_emr_gets_nothing_else_from_this_project(environment: Synthesise, action: str) -> None:
    made = environment()
    for resource in ("*", key(made), f"{arn(made, 'Data')}/images/a.jpg"):
        assert not service_may(made, action, resource)


def test_lets_instances_start_with_encrypted_disks(environment: Synthesise) -> None:
    made = environment()
    policy = made.only(STACK, "AWS::KMS::Key")["KeyPolicy"]["Statement"]
    (disks,) = [statement for statement in policy if statement.get("Sid") == "EncryptDisksOfInstances"]
    through_ec2 = {"kms:CallerAccount": ACCOUNT, "kms:ViaService": "ec2.eu-west-1.amazonaws.com"}
    assert allowed([disks], "kms:CreateGrant", "*", through_ec2)
    assert not allowed([disks], "kms:Decrypt", "*", {"kms:CallerAccount": ACCOUNT})
    assert not allowed([disks], "kms:Decrypt", "*", through_ec2 | {"kms:CallerAccount": "444455556666"})


def test_the_disks_key_is_rotated_and_goes_with_the_stack(environment: Synthesise) -> None:
    (found,) = environment().resources(STACK, "AWS::KMS::Key").values()
    assert (
        found["Properties"]["EnableKeyRotation"],
        found["Properties"]["PendingWindowInDays"],
        found["DeletionPolicy"],
    ) == (True, 7, "Delete")
