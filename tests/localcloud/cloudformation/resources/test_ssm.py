"""Parameters: created, updated and deleted, as Systems Manager describes them."""

import pytest
from botocore.exceptions import ClientError

from localcloud.cloudformation.resource import ResourceContext
from localcloud.cloudformation.resources.ssm import Parameter
from tests.localcloud.cloudformation.resources.conftest import Client, tags


def test_a_parameter_is_kept_changed_and_removed(aws: Client, context: ResourceContext) -> None:
    ssm = aws("ssm")
    before = {"Name": "/cdk/version", "Type": "String", "Value": 33, "Tags": {"project": "orchard"}}

    made = Parameter().create(context, before)

    found = ssm.get_parameter(Name="/cdk/version")["Parameter"]
    assert (made.physical_id, found["Type"], found["Value"]) == ("/cdk/version", "String", "33")
    assert made.attributes == {"Type": "String", "Value": "33"}
    listed = {"ResourceType": "Parameter", "ResourceId": "/cdk/version"}
    assert ssm.list_tags_for_resource(**listed)["TagList"] == tags(project="orchard")
    after = {"Name": "/cdk/version", "Type": "String", "Value": "34", "Tags": {"owner": "me"}, "Description": "New"}
    assert Parameter().update(context, "/cdk/version", before, after).attributes["Value"] == "34"
    assert ssm.get_parameter(Name="/cdk/version")["Parameter"]["Value"] == "34"
    assert ssm.describe_parameters()["Parameters"][0]["Description"] == "New"
    assert ssm.list_tags_for_resource(**listed)["TagList"] == tags(owner="me")
    Parameter().delete(context, "/cdk/version", after)
    Parameter().delete(context, "/cdk/version", after)
    assert ssm.describe_parameters()["Parameters"] == []


def test_refuses_a_parameter_that_exists_already(context: ResourceContext) -> None:
    Parameter().create(context, {"Name": "/cdk/version", "Type": "String", "Value": "33"})
    with pytest.raises(ClientError, match="ParameterAlreadyExists"):
        Parameter().create(context, {"Name": "/cdk/version", "Type": "String", "Value": "1"})
