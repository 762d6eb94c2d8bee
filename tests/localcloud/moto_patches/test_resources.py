"""What the resource types need and moto lacks: shown in moto as it is, and closed."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.cloudformation.resource import Made, Place, ReplacementNeededError
from localcloud.cloudformation.resources import ec2_network, ec2_security_groups, iam
from localcloud.cloudformation.resources.budgets import Budget
from localcloud.moto_patches import (
    budgets_changes,
    ec2_dependencies,
    ec2_endpoints,
    ec2_rule_descriptions,
    iam_user_keys,
)
from tests.localcloud.cloudformation.resources.conftest import ACCOUNT, Client, aws, place, tags  # noqa: F401 - fixtures
from tests.localcloud.moto_patches.in_process import close

# ruff: noqa: F811 - the fixtures of the resource types

ALERT: dict[str, Any] = {
    "Notification": {
        "NotificationType": "ACTUAL",
        "ComparisonOperator": "GREATER_THAN",
        "Threshold": "80",
        "ThresholdType": "PERCENTAGE",
    },
    "Subscribers": [{"SubscriptionType": "EMAIL", "Address": "owner@example.org"}],
}
BUDGET: dict[str, Any] = {
    "Budget": {
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": 50, "Unit": "USD"},
        "CostFilters": {"TagKeyValue": ["user:project$orchard"]},
    },
    "NotificationsWithSubscribers": [ALERT],
    "ResourceTags": tags(project="orchard"),
}


def changed(**parts: object) -> dict[str, Any]:
    return BUDGET | {"Budget": BUDGET["Budget"] | parts}


def arn_of(budget: Made) -> str:
    return f"arn:aws:budgets::{ACCOUNT}:budget/{budget.physical_id}"


def test_moto_cannot_change_a_budget_nor_tell_its_tags_and_subscribers(aws: Client, place: Place) -> None:
    made = Budget().create(place, BUDGET)
    of = {"AccountId": ACCOUNT, "BudgetName": made.physical_id}
    for call in (
        lambda: Budget().update(place, made.physical_id, BUDGET, changed(BudgetLimit={"Amount": 1, "Unit": "USD"})),
        lambda: aws("budgets").list_tags_for_resource(ResourceARN=arn_of(made)),
        lambda: aws("budgets").describe_subscribers_for_notification(
            **of, Notification={**ALERT["Notification"], "Threshold": 80}
        ),
    ):
        with pytest.raises(NotImplementedError):
            call()


def test_a_budget_is_made_changed_and_removed(aws: Client, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    close(monkeypatch, budgets_changes)
    budgets = aws("budgets")

    made = Budget().create(place, BUDGET)

    of = {"AccountId": ACCOUNT, "BudgetName": made.physical_id}
    found = budgets.describe_budget(**of)["Budget"]
    assert made.physical_id.startswith("Orchard-Thing-")
    assert found["BudgetLimit"] == {"Amount": "50", "Unit": "USD"}
    assert (found["BudgetType"], found["TimeUnit"]) == ("COST", "MONTHLY")
    assert found["CostFilters"] == {"TagKeyValue": ["user:project$orchard"]}
    (notification,) = budgets.describe_notifications_for_budget(**of)["Notifications"]
    assert (notification["Threshold"], notification["NotificationType"]) == (80, "ACTUAL")
    told = budgets.describe_subscribers_for_notification(**of, Notification=notification)["Subscribers"]
    assert told == ALERT["Subscribers"]
    assert budgets.list_tags_for_resource(ResourceARN=arn_of(made))["ResourceTags"] == tags(project="orchard")
    after = changed(BudgetLimit={"Amount": 80, "Unit": "USD"}) | {"ResourceTags": tags(owner="me")}
    assert Budget().update(place, made.physical_id, BUDGET, after).physical_id == made.physical_id
    again = budgets.describe_budget(**of)["Budget"]
    assert (again["BudgetLimit"]["Amount"], again["TimePeriod"]) == ("80", found["TimePeriod"])
    assert len(budgets.describe_notifications_for_budget(**of)["Notifications"]) == 1
    assert budgets.list_tags_for_resource(ResourceARN=arn_of(made))["ResourceTags"] == tags(owner="me")
    Budget().delete(place, made.physical_id, after)
    Budget().delete(place, made.physical_id, after)
    assert budgets.describe_budgets(AccountId=ACCOUNT)["Budgets"] == []


def test_a_budget_with_another_name_is_another_budget(place: Place) -> None:
    with pytest.raises(ReplacementNeededError):
        Budget().update(place, "old", changed(BudgetName="old"), changed(BudgetName="new"))


VPC = {"CidrBlock": "10.0.0.0/16"}


def group_in(place: Place, vpc: str, name: str) -> str:
    return ec2_security_groups.SecurityGroup().create(place, {"GroupDescription": name, "VpcId": vpc}).physical_id


def rule_between(place: Place, group: str, other: str) -> tuple[dict[str, Any], str]:
    rule = {"GroupId": group, "SourceSecurityGroupId": other, "IpProtocol": "tcp", "FromPort": 1, "ToPort": 2}
    described = {**rule, "Description": "EMR"}
    return described, ec2_security_groups.SecurityGroupIngress().create(place, described).physical_id


def descriptions(aws: Client, group: str) -> list[str]:
    found = aws("ec2").describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    return [rule.get("Description", "") for rule in found["SecurityGroupRules"] if not rule["IsEgress"]]


def test_moto_forgets_the_description_of_a_rule_between_groups(aws: Client, place: Place) -> None:
    vpc = ec2_network.Vpc().create(place, VPC).physical_id
    group, other = (group_in(place, vpc, name) for name in ("one", "two"))
    rule_between(place, group, other)
    assert descriptions(aws, group) == [""]


def test_a_rule_between_groups_keeps_and_changes_its_description(
    aws: Client, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    close(monkeypatch, ec2_rule_descriptions)
    vpc = ec2_network.Vpc().create(place, VPC).physical_id
    group, other = (group_in(place, vpc, name) for name in ("one", "two"))
    rule, made = rule_between(place, group, other)
    assert descriptions(aws, group) == ["EMR"]
    ec2_security_groups.SecurityGroupIngress().update(place, made, rule, rule | {"Description": "Nodes"})
    assert descriptions(aws, group) == ["Nodes"]


def endpoint_in(place: Place, vpc: str) -> tuple[dict[str, Any], str]:
    table = ec2_network.RouteTable().create(place, {"VpcId": vpc}).physical_id
    service = {"VpcId": vpc, "ServiceName": "com.amazonaws.eu-west-1.s3", "RouteTableIds": [table]}
    return service, ec2_network.VpcEndpoint().create(place, service).physical_id


def tables_with_route_to(aws: Client, endpoint: str) -> list[str]:
    return [
        table["RouteTableId"]
        for table in aws("ec2").describe_route_tables()["RouteTables"]
        if any(route.get("GatewayId") == endpoint for route in table["Routes"])
    ]


def test_moto_leaves_the_routes_of_an_endpoint_where_they_were_and_never_forgets_it(aws: Client, place: Place) -> None:
    vpc = ec2_network.Vpc().create(place, VPC).physical_id
    before, endpoint = endpoint_in(place, vpc)
    ec2_network.VpcEndpoint().delete(place, endpoint, before)
    assert [each["State"] for each in aws("ec2").describe_vpc_endpoints()["VpcEndpoints"]] == ["deleted"]
    before, endpoint = endpoint_in(place, vpc)
    table = ec2_network.RouteTable().create(place, {"VpcId": vpc}).physical_id
    ec2_network.VpcEndpoint().update(place, endpoint, before, before | {"RouteTableIds": [table]})
    assert tables_with_route_to(aws, endpoint) == before["RouteTableIds"]


def test_the_routes_of_an_endpoint_follow_its_tables_and_end_with_it(
    aws: Client, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    close(monkeypatch, ec2_endpoints)
    vpc = ec2_network.Vpc().create(place, VPC).physical_id
    before, endpoint = endpoint_in(place, vpc)
    table = ec2_network.RouteTable().create(place, {"VpcId": vpc}).physical_id
    ec2_network.VpcEndpoint().update(place, endpoint, before, before | {"RouteTableIds": [table]})
    assert tables_with_route_to(aws, endpoint) == [table]
    ec2_network.VpcEndpoint().delete(place, endpoint, before)
    assert tables_with_route_to(aws, endpoint) == []
    assert aws("ec2").describe_vpc_endpoints()["VpcEndpoints"] == []


def test_moto_removes_groups_subnets_networks_and_addresses_in_use(place: Place) -> None:
    vpc = ec2_network.Vpc().create(place, VPC).physical_id
    subnet = ec2_network.Subnet().create(place, {"VpcId": vpc, "CidrBlock": "10.0.0.0/20"}).physical_id
    address = ec2_network.ElasticIp().create(place, {})
    ec2_network.NatGateway().create(place, {"SubnetId": subnet, "AllocationId": address.attributes["AllocationId"]})
    group, other = (group_in(place, vpc, name) for name in ("one", "two"))
    rule_between(place, group, other)
    ec2_security_groups.SecurityGroup().delete(place, other, {})
    ec2_network.ElasticIp().delete(place, address.physical_id, {})
    ec2_network.Subnet().delete(place, subnet, {})
    ec2_network.Vpc().delete(place, vpc, {})


def test_what_is_in_use_is_not_removed_and_then_is(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    close(monkeypatch, ec2_dependencies, ec2_endpoints)
    vpc = ec2_network.Vpc().create(place, VPC).physical_id
    subnet = ec2_network.Subnet().create(place, {"VpcId": vpc, "CidrBlock": "10.0.0.0/20"}).physical_id
    address = ec2_network.ElasticIp().create(place, {})
    nat = ec2_network.NatGateway().create(
        place, {"SubnetId": subnet, "AllocationId": address.attributes["AllocationId"]}
    )
    group, other = (group_in(place, vpc, name) for name in ("one", "two"))
    rule, made = rule_between(place, group, other)
    gateway = ec2_network.InternetGateway().create(place, {}).physical_id
    attachment = {"VpcId": vpc, "InternetGatewayId": gateway}
    ec2_network.VpcGatewayAttachment().create(place, attachment)

    with pytest.raises(ClientError, match=rf"\(DependencyViolation\).*: resource {other} has a dependent object"):
        ec2_security_groups.SecurityGroup().delete(place, other, {})
    ec2_security_groups.SecurityGroupIngress().delete(place, made, rule)
    for name in (other, group):
        ec2_security_groups.SecurityGroup().delete(place, name, {})
    with pytest.raises(ClientError, match=r"\(InvalidIPAddress.InUse\)"):
        ec2_network.ElasticIp().delete(place, address.physical_id, {})
    with pytest.raises(ClientError, match=rf"The subnet '{subnet}' has dependencies and cannot be deleted."):
        ec2_network.Subnet().delete(place, subnet, {})
    for name in (nat.physical_id, nat.physical_id, "nat-nobody"):
        ec2_network.NatGateway().delete(place, name, {})
    ec2_network.ElasticIp().delete(place, address.physical_id, {})
    ec2_network.Subnet().delete(place, subnet, {})
    with pytest.raises(ClientError, match=rf"The vpc '{vpc}' has dependencies and cannot be deleted."):
        ec2_network.Vpc().delete(place, vpc, {})
    ec2_network.VpcGatewayAttachment().delete(place, "", attachment)
    ec2_network.Vpc().delete(place, vpc, {})


def test_a_group_of_an_endpoint_is_not_removed_and_a_group_naming_itself_is(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    close(monkeypatch, ec2_dependencies, ec2_endpoints)
    vpc = ec2_network.Vpc().create(place, VPC).physical_id
    subnet = ec2_network.Subnet().create(place, {"VpcId": vpc, "CidrBlock": "10.0.0.0/20"}).physical_id
    group, alone = (group_in(place, vpc, name) for name in ("one", "two"))
    rule_between(place, alone, alone)
    service = {"VpcId": vpc, "ServiceName": "com.amazonaws.eu-west-1.kms", "VpcEndpointType": "Interface"}
    endpoint = ec2_network.VpcEndpoint().create(place, service | {"SecurityGroupIds": [group], "SubnetIds": [subnet]})
    ec2_security_groups.SecurityGroup().delete(place, alone, {})
    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2_security_groups.SecurityGroup().delete(place, group, {})
    ec2_network.VpcEndpoint().delete(place, endpoint.physical_id, service)
    ec2_security_groups.SecurityGroup().delete(place, group, {})
    ec2_network.Subnet().delete(place, subnet, {})
    ec2_network.Vpc().delete(place, vpc, {})


def user_with_key(place: Place) -> None:
    iam.User().create(place, {"UserName": "evaluator"})
    iam.AccessKey().create(place, {"UserName": "evaluator"})


def test_moto_removes_a_user_with_keys(place: Place) -> None:
    user_with_key(place)
    iam.User().delete(place, "evaluator", {})


def test_a_user_with_keys_is_not_removed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    close(monkeypatch, iam_user_keys)
    user_with_key(place)
    with pytest.raises(ClientError, match=r"\(DeleteConflict\).*must delete access keys first"):
        iam.User().delete(place, "evaluator", {})
