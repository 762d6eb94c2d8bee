"""CloudFormation's API answers boto3 and the CDK as AWS does."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import MakeClient

HANDLE = "AWS::CloudFormation::WaitConditionHandle"


def template(size: str = "small", **more: Any) -> str:
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": size}}
    outputs = {"Name": {"Value": {"Ref": "Size"}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}:Size"}}}}
    return json.dumps({"Resources": {"Size": parameter, **more}, "Outputs": outputs})


@pytest.fixture(scope="module")
def formation(client: MakeClient) -> Any:
    return client("cloudformation")


@pytest.fixture
def name() -> str:
    return f"Stack-{uuid.uuid4().hex[:8]}"


def refusal(caught: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_stack_lives_from_its_first_change_set_to_its_deletion(formation: Any, client: MakeClient, name: str) -> None:
    proposed = formation.create_change_set(
        StackName=name, ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=template()
    )
    assert formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert "TemplateBody" not in formation.get_template(StackName=name)
    shown = formation.describe_change_set(ChangeSetName=proposed["Id"])
    assert (shown["Status"], shown["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert [change["ResourceChange"]["Action"] for change in shown["Changes"]] == ["Add"]

    formation.execute_change_set(StackName=name, ChangeSetName="first")

    made = formation.describe_stacks(StackName=name)["Stacks"][0]
    parameter = made["Outputs"][0]["OutputValue"]
    assert made["StackStatus"] == "CREATE_COMPLETE"
    assert made["Outputs"] == [{"OutputKey": "Name", "OutputValue": parameter, "ExportName": f"{name}:Size"}]
    assert client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"] == "small"
    assert {"Name": f"{name}:Size", "Value": parameter, "ExportingStackId": made["StackId"]} in (
        formation.list_exports()["Exports"]
    )
    events = formation.describe_stack_events(StackName=name)["StackEvents"]
    assert [event["ResourceStatus"] for event in events] == [
        "CREATE_COMPLETE",
        "CREATE_COMPLETE",
        "CREATE_IN_PROGRESS",
        "CREATE_IN_PROGRESS",
        "REVIEW_IN_PROGRESS",
    ]
    resources = formation.describe_stack_resources(StackName=name)["StackResources"]
    assert [(one["LogicalResourceId"], one["PhysicalResourceId"]) for one in resources] == [("Size", parameter)]
    assert formation.get_template(StackName=name)["TemplateBody"] == json.loads(template())

    formation.delete_stack(StackName=name)

    assert client("ssm").get_parameters(Names=[parameter])["InvalidParameters"] == [parameter]
    assert formation.describe_stacks(StackName=made["StackId"])["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"
    with pytest.raises(ClientError) as caught:
        formation.describe_stacks(StackName=name)
    assert refusal(caught) == ("ValidationError", f"Stack with id {name} does not exist")


def test_an_empty_change_set_fails_as_the_cdk_expects(formation: Any, name: str) -> None:
    formation.create_stack(StackName=name, TemplateBody=template())
    formation.create_change_set(StackName=name, ChangeSetName="same", TemplateBody=template())

    shown = formation.describe_change_set(StackName=name, ChangeSetName="same")

    assert (shown["Status"], shown["StatusReason"]) == (
        "FAILED",
        "The submitted information didn't contain changes. Submit different information to create a change set.",
    )
    with pytest.raises(ClientError) as caught:
        formation.execute_change_set(StackName=name, ChangeSetName="same")
    assert refusal(caught)[0] == "InvalidChangeSetStatus"
    with pytest.raises(ClientError) as caught:
        formation.update_stack(StackName=name, TemplateBody=template())
    assert refusal(caught) == ("ValidationError", "No updates are to be performed.")
    formation.delete_stack(StackName=name)


def test_a_change_set_says_what_a_part_may_replace(formation: Any, name: str) -> None:
    def budget(amount: str) -> str:
        limit = {"Amount": amount, "Unit": "USD"}
        properties = {"Budget": {"BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": limit}}
        return json.dumps({"Resources": {"Budget": {"Type": "AWS::Budgets::Budget", "Properties": properties}}})

    formation.create_stack(StackName=name, TemplateBody=budget("1"))
    formation.create_change_set(StackName=name, ChangeSetName="change", TemplateBody=budget("2"))

    (found,) = formation.describe_change_set(StackName=name, ChangeSetName="change")["Changes"]
    change = found["ResourceChange"]
    assert (change["Replacement"], change["Details"][0]["Target"]["RequiresRecreation"]) == (
        "Conditional",
        "Conditionally",
    )
    formation.delete_stack(StackName=name)


def test_change_sets_belong_to_a_stack_and_delete_twice(formation: Any, name: str) -> None:
    for stack in (f"{name}-1", f"{name}-2"):
        formation.create_stack(StackName=stack, TemplateBody=template())
        formation.create_change_set(StackName=stack, ChangeSetName="change", TemplateBody=template("large"))

    found = formation.describe_change_set(StackName=f"{name}-1", ChangeSetName="change")
    change = found["Changes"][0]["ResourceChange"]
    assert found["StackName"] == f"{name}-1"
    assert (change["Action"], change["Replacement"], change["Scope"]) == ("Modify", "False", ["Properties"])
    assert change["Details"][0]["Target"] == {
        "Attribute": "Properties",
        "Name": "Value",
        "RequiresRecreation": "Never",
    }

    for _ in range(2):
        formation.delete_change_set(StackName=f"{name}-1", ChangeSetName="change")
    with pytest.raises(ClientError) as caught:
        formation.describe_change_set(StackName=f"{name}-1", ChangeSetName="change")
    assert refusal(caught) == ("ChangeSetNotFound", "ChangeSet [change] does not exist")
    assert formation.describe_change_set(StackName=f"{name}-2", ChangeSetName="change")["Status"] == "CREATE_COMPLETE"
    for stack in (f"{name}-1", f"{name}-2"):
        formation.delete_stack(StackName=stack)


def test_an_unmodelled_type_rolls_the_stack_back_by_name(formation: Any, name: str) -> None:
    stack = formation.create_stack(StackName=name, TemplateBody=template(F={"Type": "AWS::Lambda::Function"}))

    assert formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "ROLLBACK_COMPLETE"
    reasons = [
        event.get("ResourceStatusReason", "")
        for event in formation.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
    ]
    assert any("AWS::Lambda::Function" in reason for reason in reasons)
    with pytest.raises(ClientError) as caught:
        formation.update_stack(StackName=name, TemplateBody=template())
    assert refusal(caught)[1] == f"Stack:{stack['StackId']} is in ROLLBACK_COMPLETE state and can not be updated."
    formation.delete_stack(StackName=name)


def test_an_export_in_use_cannot_be_deleted(formation: Any, name: str) -> None:
    formation.create_stack(StackName=name, TemplateBody=template())
    user = {"Resources": {"H": {"Type": HANDLE}}, "Outputs": {"S": {"Value": {"Fn::ImportValue": f"{name}:Size"}}}}
    formation.create_stack(StackName=f"{name}-user", TemplateBody=json.dumps(user))
    assert formation.list_imports(ExportName=f"{name}:Size")["Imports"] == [f"{name}-user"]

    formation.delete_stack(StackName=name)

    kept = formation.describe_stacks(StackName=name)["Stacks"][0]
    assert (kept["StackStatus"], kept["StackStatusReason"]) == (
        "DELETE_FAILED",
        f"Export {name}:Size cannot be deleted as it is in use by {name}-user",
    )
    for stack in (f"{name}-user", name):
        formation.delete_stack(StackName=stack)
    with pytest.raises(ClientError):
        formation.describe_stacks(StackName=name)


def test_a_protected_stack_is_not_deleted(formation: Any, name: str) -> None:
    formation.create_stack(StackName=name, TemplateBody=template(), EnableTerminationProtection=True)

    with pytest.raises(ClientError) as caught:
        formation.delete_stack(StackName=name)

    assert refusal(caught)[1] == f"Stack [{name}] cannot be deleted while TerminationProtection is enabled"
    formation.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    formation.delete_stack(StackName=name)


def test_a_template_is_read_from_this_clouds_s3(formation: Any, client: MakeClient, cloud: str, name: str) -> None:
    s3 = client("s3")
    bucket = name.lower()
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    s3.put_object(Bucket=bucket, Key="a b.json", Body=template().encode())

    summary = formation.get_template_summary(TemplateURL=f"{cloud}/{bucket}/a%20b.json")

    assert summary["ResourceTypes"] == ["AWS::SSM::Parameter"]
    with pytest.raises(ClientError) as caught:
        formation.validate_template(TemplateURL=f"{cloud}/{bucket}/none.json")
    assert refusal(caught) == ("ValidationError", "S3 error: The specified key does not exist.")


def test_iam_resources_need_a_capability(formation: Any, name: str) -> None:
    user = {"Resources": {"U": {"Type": "AWS::IAM::User", "Properties": {"UserName": "named"}}}}

    with pytest.raises(ClientError) as caught:
        formation.create_stack(StackName=name, TemplateBody=json.dumps(user), Capabilities=["CAPABILITY_IAM"])

    assert refusal(caught) == (
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_NAMED_IAM]",
    )


def test_events_come_in_pages(formation: Any, name: str) -> None:
    many = {f"H{number}": {"Type": HANDLE} for number in range(80)}
    formation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": many}))

    first = formation.describe_stack_events(StackName=name)
    pages = formation.get_paginator("describe_stack_events").paginate(StackName=name)
    seen = [event["EventId"] for page in pages for event in page["StackEvents"]]

    assert len(first["StackEvents"]) == 100
    assert len(seen) == len(set(seen)) == 162
    formation.delete_stack(StackName=name)


def test_describes_a_stack_whose_stored_parameter_was_deleted(formation: Any, client: MakeClient, name: str) -> None:
    client("ssm").put_parameter(Name=f"/{name}", Type="String", Value="30")
    version = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": f"/{name}"}
    body = {"Parameters": {"Version": version}, "Resources": {"H": {"Type": HANDLE}}}
    formation.create_stack(StackName=name, TemplateBody=json.dumps(body))
    client("ssm").delete_parameter(Name=f"/{name}")

    described = formation.describe_stacks(StackName=name)["Stacks"][0]

    assert (described["StackStatus"], described["Parameters"]) == (
        "CREATE_COMPLETE",
        [{"ParameterKey": "Version", "ParameterValue": f"/{name}"}],
    )
    formation.delete_stack(StackName=name)


def test_an_action_that_is_not_modelled_is_refused_by_name(formation: Any) -> None:
    with pytest.raises(ClientError) as caught:
        formation.list_types()

    code, message = refusal(caught)
    assert code == "InvalidAction"
    assert "cloudformation:ListTypes" in message
