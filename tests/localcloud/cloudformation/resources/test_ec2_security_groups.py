"""Security groups and their rules: made, changed and removed as EC2 itself tells it."""

from typing import Any

import pytest

from localcloud.cloudformation.resource import ResourceContext
from localcloud.cloudformation.resources.ec2_security_groups import (
    SecurityGroup,
    SecurityGroupEgress,
    SecurityGroupIngress,
    permission,
)
from localcloud.cloudformation.resources.ec2_vpc import Vpc
from localcloud.moto_patches import ec2 as ec2_patches
from tests.localcloud.cloudformation.resources.conftest import Client, tags
from tests.localcloud.moto_patches.in_process import apply

NOTHING_OUT = {
    "CidrIp": "255.255.255.255/32",
    "Description": "Disallow all traffic",
    "FromPort": 252,
    "IpProtocol": "icmp",
    "ToPort": 86,
}
HTTPS = {"CidrIp": "0.0.0.0/0", "Description": "HTTPS", "FromPort": 443, "IpProtocol": "tcp", "ToPort": "443"}


@pytest.fixture
def vpc(context: ResourceContext) -> str:
    return Vpc().create(context, {"CidrBlock": "10.0.0.0/16"}).physical_id


@pytest.fixture
def group(context: ResourceContext, vpc: str) -> str:
    nothing = {"GroupDescription": "Nodes", "VpcId": vpc, "SecurityGroupEgress": [NOTHING_OUT]}
    return SecurityGroup().create(context, nothing).physical_id


def rules(aws: Client, group: str, *, egress: bool) -> list[dict[str, Any]]:
    own = [{"Name": "group-id", "Values": [group]}]
    found = aws("ec2").describe_security_group_rules(Filters=own)["SecurityGroupRules"]
    return [rule for rule in found if rule["IsEgress"] is egress]


def test_a_group_has_its_rules_and_no_other(aws: Client, context: ResourceContext, vpc: str) -> None:
    made = SecurityGroup().create(
        context,
        {
            "GroupDescription": "Nodes",
            "GroupName": "nodes",
            "VpcId": vpc,
            "SecurityGroupEgress": [NOTHING_OUT],
            "SecurityGroupIngress": [HTTPS],
            "Tags": tags(project="orchard"),
        },
    )

    (found,) = aws("ec2").describe_security_groups(GroupIds=[made.physical_id])["SecurityGroups"]
    assert made.attributes == {"Id": made.physical_id, "GroupId": made.physical_id, "VpcId": vpc}
    assert (found["GroupName"], found["Description"], found["VpcId"]) == ("nodes", "Nodes", vpc)
    assert found["Tags"] == tags(project="orchard")
    (out,), (into,) = (rules(aws, made.physical_id, egress=egress) for egress in (True, False))
    assert (out["IpProtocol"], out["FromPort"], out["ToPort"], out["CidrIpv4"]) == (
        *("icmp", 252, 86),
        "255.255.255.255/32",
    )
    assert (into["IpProtocol"], into["FromPort"], into["ToPort"], into["Description"]) == ("tcp", 443, 443, "HTTPS")


def test_a_group_without_egress_rules_allows_all_egress(aws: Client, context: ResourceContext, vpc: str) -> None:
    made = SecurityGroup().create(context, {"GroupDescription": "Nodes", "VpcId": vpc})
    assert [(rule["IpProtocol"], rule["CidrIpv4"]) for rule in rules(aws, made.physical_id, egress=True)] == [
        ("-1", "0.0.0.0/0")
    ]


def test_rules_and_tags_of_a_group_are_changed_in_place(aws: Client, context: ResourceContext, vpc: str) -> None:
    before = {
        "GroupDescription": "Nodes",
        "VpcId": vpc,
        "SecurityGroupEgress": [NOTHING_OUT],
        "Tags": tags(project="orchard"),
    }
    after = {"GroupDescription": "Nodes", "VpcId": vpc, "SecurityGroupEgress": [HTTPS], "Tags": tags(owner="me")}
    name = SecurityGroup().create(context, before).physical_id

    SecurityGroup().update(context, name, before, after)

    assert [rule["FromPort"] for rule in rules(aws, name, egress=True)] == [443]
    assert aws("ec2").describe_security_groups(GroupIds=[name])["SecurityGroups"][0]["Tags"] == tags(owner="me")
    SecurityGroup().update(context, name, before, after)
    assert [rule["FromPort"] for rule in rules(aws, name, egress=True)] == [443]


@pytest.mark.parametrize(
    ("kind", "end", "egress"),
    [
        (SecurityGroupIngress(), "SourceSecurityGroupId", False),
        (SecurityGroupEgress(), "DestinationSecurityGroupId", True),
    ],
)
def test_a_separate_rule_is_created_described_and_deleted(
    aws: Client,
    context: ResourceContext,
    group: str,
    monkeypatch: pytest.MonkeyPatch,
    kind: SecurityGroupIngress | SecurityGroupEgress,
    end: str,
    egress: bool,
) -> None:
    apply(monkeypatch, ec2_patches)
    before = {"GroupId": group, end: group, "IpProtocol": "tcp", "FromPort": 0, "ToPort": "65535"}

    def found() -> list[dict[str, Any]]:
        return [rule for rule in rules(aws, group, egress=egress) if rule["IpProtocol"] == "tcp"]

    made = kind.create(context, before | {"Description": "EMR"})

    assert made.attributes == {"Id": made.physical_id}
    (rule,) = found()
    assert rule["SecurityGroupRuleId"] == made.physical_id
    assert (rule["FromPort"], rule["ToPort"], rule["Description"]) == (0, 65535, "EMR")
    assert rule["ReferencedGroupInfo"]["GroupId"] == group
    kind.update(context, made.physical_id, before | {"Description": "EMR"}, before | {"Description": "Nodes"})
    assert [rule["Description"] for rule in found()] == ["Nodes"]
    kind.delete(context, made.physical_id, before)
    kind.delete(context, made.physical_id, before)
    assert found() == []


def test_rules_between_two_groups_stay_separate(aws: Client, context: ResourceContext, group: str) -> None:
    common = {"GroupId": group, "SourceSecurityGroupId": group}
    ports = ((-1, -1, "icmp"), (0, 65535, "tcp"), (0, 65535, "udp"), (8443, 8443, "tcp"))
    made = [
        SecurityGroupIngress().create(context, {**common, "IpProtocol": kind, "FromPort": first, "ToPort": last})
        for first, last, kind in ports
    ]
    assert {rule["SecurityGroupRuleId"] for rule in rules(aws, group, egress=False)} == {
        each.physical_id for each in made
    }


def test_a_group_is_removed(aws: Client, context: ResourceContext, group: str) -> None:
    SecurityGroup().delete(context, group, {})
    SecurityGroup().delete(context, group, {})
    found = aws("ec2").describe_security_groups(Filters=[{"Name": "group-id", "Values": [group]}])
    assert found["SecurityGroups"] == []


def test_deletes_a_group_whose_rules_are_refused(aws: Client, context: ResourceContext, vpc: str) -> None:
    with pytest.raises(ValueError, match="CidrIp, CidrIpv6, SourceSecurityGroupId"):
        SecurityGroup().create(
            context, {"GroupDescription": "x", "VpcId": vpc, "SecurityGroupIngress": [{"IpProtocol": "tcp"}]}
        )
    groups = aws("ec2").describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    assert [each["GroupName"] for each in groups] == ["default"]


def test_a_part_of_a_rule_that_is_not_modelled_is_named() -> None:
    with pytest.raises(ValueError, match=r"SecurityGroupEgress\.DestinationPrefixListId"):
        permission("egress", {"IpProtocol": "tcp", "DestinationPrefixListId": "pl-1"})
