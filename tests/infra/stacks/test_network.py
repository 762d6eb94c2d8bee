"""The cluster's network: ways out, ways in, and every security-group rule in both directions."""

from typing import Any

import pytest

from infra.settings import NETWORKS
from infra.stacks.network import emr_logs_bucket
from tests.infra.iam import allowed
from tests.infra.synthesis import ACCOUNT, Environment, Synthesise

STACK = "OrchardCluster"
TAG = {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"}

WITHIN = {
    (source, target, protocol, *ports)
    for source in ("Primary", "Worker")
    for target in ("Primary", "Worker")
    for protocol, ports in (("icmp", (-1, -1)), ("tcp", (0, 65535)), ("udp", (0, 65535)))
}
SERVICE = {
    ("Service", "Primary", "tcp", 8443, 8443),
    ("Service", "Worker", "tcp", 8443, 8443),
    ("Primary", "Service", "tcp", 9443, 9443),
    ("Worker", "Service", "tcp", 9443, 9443),
}
ENDPOINT = {("Primary", "Endpoint", "tcp", 443, 443), ("Worker", "Endpoint", "tcp", 443, 443)}
EXPECTED = {"private": WITHIN | SERVICE | ENDPOINT, "private-nat": WITHIN | SERVICE, "public": WITHIN}

Flow = tuple[str, str, str, int, int]


def group(logical_id: str) -> str:
    return logical_id.removeprefix("Network").split("Group")[0]


def flows(environment: Environment, kind: str, near: str, far: str) -> list[Flow]:
    """Return (near group, far group, protocol, ports) of all rules between groups."""
    rules = environment.resources(STACK, f"AWS::EC2::SecurityGroup{kind}").values()
    properties = [environment.resolve(STACK, rule["Properties"]) for rule in rules]
    return [
        (group(rule[near]), group(rule[far]), rule["IpProtocol"], rule["FromPort"], rule["ToPort"])
        for rule in properties
        if far in rule
    ]


def leaving(environment: Environment) -> list[Flow]:
    return flows(environment, "Egress", "GroupId", "DestinationSecurityGroupId")


def arriving(environment: Environment) -> list[Flow]:
    found = flows(environment, "Ingress", "GroupId", "SourceSecurityGroupId")
    return [(source, target, protocol, first, last) for target, source, protocol, first, last in found]


@pytest.mark.parametrize("network", NETWORKS)
def test_declares_every_inbound_rule_that_emr_would_add(environment: Synthesise, network: str) -> None:
    assert sorted(arriving(environment(network=network))) == sorted(EXPECTED[network])


@pytest.mark.parametrize("network", NETWORKS)
def test_the_same_traffic_is_let_out_where_it_leaves(environment: Synthesise, network: str) -> None:
    assert sorted(leaving(environment(network=network))) == sorted(EXPECTED[network])


@pytest.mark.parametrize("network", NETWORKS)
def test_no_rule_lets_in_an_address(environment: Synthesise, network: str) -> None:
    rules = environment(network=network).resources(STACK, "AWS::EC2::SecurityGroupIngress").values()
    assert not [rule for rule in rules if "CidrIp" in rule["Properties"] or "CidrIpv6" in rule["Properties"]]


@pytest.mark.parametrize("network", NETWORKS)
def test_the_only_addresses_that_nodes_may_call_are_by_https(environment: Synthesise, network: str) -> None:
    made = environment(network=network)
    rules = [
        made.resolve(STACK, rule["Properties"])
        for rule in made.resources(STACK, "AWS::EC2::SecurityGroupEgress").values()
    ]
    outward = [rule for rule in rules if "CidrIp" in rule]
    assert sorted(
        (group(rule["GroupId"]), rule["CidrIp"], rule["IpProtocol"], rule["FromPort"], rule["ToPort"])
        for rule in outward
    ) == [("Primary", "0.0.0.0/0", "tcp", 443, 443), ("Worker", "0.0.0.0/0", "tcp", 443, 443)]


@pytest.mark.parametrize("network", NETWORKS)
def test_no_rule_hides_inside_a_group_but_the_one_that_closes_it(environment: Synthesise, network: str) -> None:
    for found in environment(network=network).resources(STACK, "AWS::EC2::SecurityGroup").values():
        properties = found["Properties"]
        assert "SecurityGroupIngress" not in properties
        assert [rule["CidrIp"] for rule in properties["SecurityGroupEgress"]] == ["255.255.255.255/32"]


@pytest.mark.parametrize("network", NETWORKS)
def test_subnets_and_groups_carry_the_tag_of_emrs_policy(environment: Synthesise, network: str) -> None:
    made = environment(network=network)
    groups = made.resources(STACK, "AWS::EC2::SecurityGroup")
    tagged = {group(name) for name, found in groups.items() if TAG in found["Properties"]["Tags"]}
    assert tagged == {group(name) for name in groups} - {"Endpoint"}
    used = made.only(STACK, "AWS::EMR::Cluster")["Instances"]["Ec2SubnetIds"]
    subnets = made.resources(STACK, "AWS::EC2::Subnet")
    assert [TAG in subnets[name]["Properties"]["Tags"] for name in used] == [True, True]


def count(environment: Environment, kind: str) -> int:
    return len(environment.resources(STACK, f"AWS::EC2::{kind}"))


@pytest.mark.parametrize(
    ("network", "nat_gateways", "internet_gateways"),
    [("private", 0, 0), ("private-nat", 1, 1), ("public", 0, 1)],
)
def test_each_kind_has_the_gateways_that_it_needs(
    environment: Synthesise, network: str, nat_gateways: int, internet_gateways: int
) -> None:
    made = environment(network=network)
    assert (count(made, "NatGateway"), count(made, "InternetGateway")) == (nat_gateways, internet_gateways)


@pytest.mark.parametrize(("network", "public"), [("private", False), ("private-nat", False), ("public", True)])
def test_only_a_public_network_has_public_addresses(environment: Synthesise, network: str, *, public: bool) -> None:
    made = environment(network=network)
    used = made.only(STACK, "AWS::EMR::Cluster")["Instances"]["Ec2SubnetIds"]
    subnets = made.resources(STACK, "AWS::EC2::Subnet")
    assert [subnets[name]["Properties"]["MapPublicIpOnLaunch"] for name in used] == [public, public]


def endpoints(environment: Environment) -> dict[str, dict[str, Any]]:
    found = environment.resources(STACK, "AWS::EC2::VPCEndpoint").values()
    properties = [environment.resolve(STACK, endpoint["Properties"]) for endpoint in found]
    return {endpoint["ServiceName"].split(".")[-1]: endpoint for endpoint in properties}


@pytest.mark.parametrize("network", NETWORKS)
def test_s3_is_reached_without_the_internet(environment: Synthesise, network: str) -> None:
    assert endpoints(environment(network=network))["s3"]["VpcEndpointType"] == "Gateway"


@pytest.mark.parametrize(
    ("settings", "services"),
    [
        ({}, {"s3", "kms"}),
        ({"session_manager": True}, {"s3", "kms", "ssm", "ssmmessages"}),
        (
            {"session_manager": True, "jupyterhub": True},
            {"s3", "kms", "ssm", "ssmmessages"},
        ),
        ({"kms_endpoint": False}, {"s3"}),
        ({"live_logs": True}, {"s3", "kms", "logs"}),
        ({"network": "private-nat", "session_manager": True, "jupyterhub": True}, {"s3"}),
        ({"network": "public", "session_manager": True, "jupyterhub": True}, {"s3"}),
    ],
)
def test_only_services_that_need_an_endpoint_have_one(
    environment: Synthesise, settings: dict[str, Any], services: set[str]
) -> None:
    assert set(endpoints(environment(**settings))) == services


@pytest.mark.parametrize("service", ["kms", "logs", "ssm", "ssmmessages"])
def test_an_endpoint_serves_its_own_account_only(environment: Synthesise, service: str) -> None:
    made = environment(session_manager=True, live_logs=True)
    policy = endpoints(made)[service]["PolicyDocument"]["Statement"]
    own = {"aws:PrincipalAccount": ACCOUNT, "aws:ResourceAccount": ACCOUNT}
    other = {**own, "aws:PrincipalAccount": "444455556666"}
    assert allowed(policy, "any:Action", "*", own)
    assert not allowed(policy, "any:Action", "*", other)
    # Session Manager uses documents and channels of AWS.
    theirs = {**own, "aws:ResourceAccount": "444455556666"}
    assert allowed(policy, "any:Action", "*", theirs) is service.startswith("ssm")


def test_an_interface_endpoint_stands_in_one_zone(environment: Synthesise) -> None:
    assert len(endpoints(environment())["kms"]["SubnetIds"]) == 1


def test_a_private_network_reaches_known_buckets_only(environment: Synthesise) -> None:
    made = environment()
    data, logs = (
        next(name for name in made.resources("OrchardData", "AWS::S3::Bucket") if name.startswith(start))
        for start in ("Data", "Logs")
    )
    policy = endpoints(made)["s3"]["PolicyDocument"]["Statement"]
    reached = {
        arn.removeprefix("arn:aws:s3:::").split("/")[0]
        for statement in policy
        for arn in (statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]])
    }
    assert reached == {
        data,
        logs,
        "cdk-hnb659fds-assets-111122223333-eu-west-1",
        "al2023-repos-eu-west-1-de612dc2",
        "repo.eu-west-1.emr.amazonaws.com",
        "aws157-logs-prod-eu-west-1",
        "prod.eu-west-1.appinfo.src",
    }


def test_emrs_log_bucket_has_no_region_in_us_east_1() -> None:
    assert emr_logs_bucket("us-east-1") == "aws157-logs-prod"


@pytest.mark.parametrize("network", NETWORKS)
def test_descriptions_hold_only_what_ec2_accepts(environment: Synthesise, network: str) -> None:
    made = environment(network=network)
    accepted = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-:/()#,@[]+=&;{}!$*")
    groups = made.resources(STACK, "AWS::EC2::SecurityGroup").values()
    rules = made.resources(STACK, "AWS::EC2::SecurityGroupIngress").values()
    texts = [found["Properties"]["GroupDescription"] for found in groups]
    texts += [found["Properties"]["Description"] for found in rules]
    assert [text for text in texts if set(text) - accepted] == []


def test_the_cluster_depends_on_every_rule_and_route(environment: Synthesise) -> None:
    made = environment(network="private-nat")
    (cluster,) = made.resources(STACK, "AWS::EMR::Cluster").values()
    kinds = ("SecurityGroupIngress", "SecurityGroupEgress", "Route", "SubnetRouteTableAssociation")
    needed = {name for kind in kinds for name in made.resources(STACK, f"AWS::EC2::{kind}")}
    assert needed <= set(cluster["DependsOn"])


EXISTING = {"vpc_id": "vpc-0123456789abcdef0", "subnet_ids": "subnet-01234567,subnet-89abcdef"}


def test_an_existing_network_gets_security_groups_only(environment: Synthesise) -> None:
    made = environment(**EXISTING, session_manager=True)
    kinds = {found["Type"] for found in made.template(STACK)["Resources"].values()}
    assert {kind for kind in kinds if kind.startswith("AWS::EC2::")} == {
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
    }
    groups = made.resources(STACK, "AWS::EC2::SecurityGroup").values()
    assert {found["Properties"]["VpcId"] for found in groups} == {EXISTING["vpc_id"]}


@pytest.mark.parametrize("network", NETWORKS)
def test_the_cluster_runs_in_the_subnets_given(environment: Synthesise, network: str) -> None:
    made = environment(**EXISTING, network=network)
    used = made.only(STACK, "AWS::EMR::Cluster")["Instances"]
    assert used["Ec2SubnetIds"] == ["subnet-01234567", "subnet-89abcdef"]
    assert ("ServiceAccessSecurityGroup" in used) is (network != "public")
    expected = EXPECTED[network] - ENDPOINT
    assert sorted(arriving(made)) == sorted(expected)


def test_no_look_up_binds_the_template_to_an_account(environment: Synthesise) -> None:
    manifest = (environment().folder / "manifest.json").read_text()
    assert '"missing"' not in manifest
