"""Tests of what is left: each thing that carries the project's tag is asked for at its own service."""

from collections.abc import Callable
from typing import Any

import pytest

from infra.aws.client import Aws
from infra.teardown.tagged_resources import FREE, IS_THERE, Leftover, leftovers, parse_arn
from tests.infra.conftest import ACCOUNT, REGION, fake_call

Removal = Callable[[], object]


def tagged(aws: Aws, *arns: str) -> None:
    """Let the tagging service list things, whether they are there or not."""
    answer = {"ResourceTagMappingList": [{"ResourceARN": arn} for arn in arns]}
    fake_call(aws, "resource-groups-tagging-api.GetResources", answer)


def _of_ec2(kind: str, name: str) -> str:
    return f"arn:aws:ec2:{REGION}:{ACCOUNT}:{kind}/{name}"


def _bucket(aws: Aws) -> tuple[str, Removal]:
    aws.s3.create_bucket(Bucket="left-behind", CreateBucketConfiguration={"LocationConstraint": REGION})
    return "arn:aws:s3:::left-behind", lambda: aws.s3.delete_bucket(Bucket="left-behind")


def _cluster(aws: Aws) -> tuple[str, Removal]:
    keep = {"KeepJobFlowAliveWhenNoSteps": True, "InstanceCount": 1, "MasterInstanceType": "m5.xlarge"}
    made = aws.emr.run_job_flow(Name="orchard-1", Instances=keep, JobFlowRole="node", ServiceRole="service")  # type: ignore[arg-type]
    return made["ClusterArn"], lambda: aws.emr.terminate_job_flows(JobFlowIds=[made["JobFlowId"]])


def _instance(aws: Aws) -> tuple[str, Removal]:
    ec2 = aws.client("ec2")
    made = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    return _of_ec2("instance", made), lambda: ec2.terminate_instances(InstanceIds=[made])


def _volume(aws: Aws) -> tuple[str, Removal]:
    ec2 = aws.client("ec2")
    made = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1)["VolumeId"]
    return _of_ec2("volume", made), lambda: ec2.delete_volume(VolumeId=made)


def _elastic_ip(aws: Aws) -> tuple[str, Removal]:
    ec2 = aws.client("ec2")
    made = ec2.allocate_address(Domain="vpc")["AllocationId"]
    return _of_ec2("elastic-ip", made), lambda: ec2.release_address(AllocationId=made)


def _vpc(aws: Aws) -> tuple[str, Removal]:
    ec2 = aws.client("ec2")
    made = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return _of_ec2("vpc", made), lambda: ec2.delete_vpc(VpcId=made)


def _subnet(aws: Aws) -> tuple[str, Removal]:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    return _of_ec2("subnet", made), lambda: (ec2.delete_subnet(SubnetId=made), ec2.delete_vpc(VpcId=vpc))


def _nat_gateway(aws: Aws) -> tuple[str, Removal]:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    made = ec2.create_nat_gateway(SubnetId=subnet)["NatGateway"]["NatGatewayId"]
    return _of_ec2("natgateway", made), lambda: ec2.delete_nat_gateway(NatGatewayId=made)


def _endpoint(aws: Aws) -> tuple[str, Removal]:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    asked = {"ServiceName": f"com.amazonaws.{REGION}.logs", "VpcEndpointType": "Interface", "SubnetIds": [subnet]}
    made = ec2.create_vpc_endpoint(VpcId=vpc, **asked)["VpcEndpoint"]["VpcEndpointId"]
    return _of_ec2("vpc-endpoint", made), lambda: ec2.delete_vpc_endpoints(VpcEndpointIds=[made])


def _security_group(aws: Aws) -> tuple[str, Removal]:
    ec2 = aws.client("ec2")
    made = ec2.create_security_group(GroupName="left-behind", Description="x")["GroupId"]
    return _of_ec2("security-group", made), lambda: ec2.delete_security_group(GroupId=made)


def _internet_gateway(aws: Aws) -> tuple[str, Removal]:
    ec2 = aws.client("ec2")
    made = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    return _of_ec2("internet-gateway", made), lambda: ec2.delete_internet_gateway(InternetGatewayId=made)


def _route_table(aws: Aws) -> tuple[str, Removal]:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    return _of_ec2("route-table", made), lambda: ec2.delete_route_table(RouteTableId=made)


def _network_interface(aws: Aws) -> tuple[str, Removal]:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    made = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    return _of_ec2("network-interface", made), lambda: ec2.delete_network_interface(NetworkInterfaceId=made)


def _launch_template(aws: Aws) -> tuple[str, Removal]:
    ec2 = aws.client("ec2")
    data = {"InstanceType": "m5.xlarge"}
    made = ec2.create_launch_template(LaunchTemplateName="left-behind", LaunchTemplateData=data)["LaunchTemplate"]
    name = made["LaunchTemplateId"]
    return _of_ec2("launch-template", name), lambda: ec2.delete_launch_template(LaunchTemplateId=name)


def _spot_request(aws: Aws) -> tuple[str, Removal]:
    ec2 = aws.client("ec2")
    made = ec2.request_spot_instances(LaunchSpecification={"ImageId": "ami-12c6146b"})["SpotInstanceRequests"][0]
    name = made["SpotInstanceRequestId"]
    return _of_ec2("spot-instances-request", name), lambda: ec2.cancel_spot_instance_requests(
        SpotInstanceRequestIds=[name]
    )


def _key(aws: Aws) -> tuple[str, Removal]:
    kms = aws.client("kms")
    made = kms.create_key()["KeyMetadata"]
    return made["Arn"], lambda: kms.schedule_key_deletion(KeyId=made["KeyId"])


def _secret(aws: Aws) -> tuple[str, Removal]:
    secrets = aws.client("secretsmanager")
    made = secrets.create_secret(Name="left-behind", SecretString="x")["ARN"]
    return made, lambda: secrets.delete_secret(SecretId=made)


def _log_group(aws: Aws) -> tuple[str, Removal]:
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="/left/behind")
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/left/behind:*"
    return arn, lambda: logs.delete_log_group(logGroupName="/left/behind")


def _stack(aws: Aws) -> tuple[str, Removal]:
    body = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    made = aws.cloudformation.create_stack(StackName="left-behind", TemplateBody=body)["StackId"]
    return made, lambda: aws.cloudformation.delete_stack(StackName=made)


KINDS: dict[str, Callable[[Aws], tuple[str, Removal]]] = {
    "cloudformation:stack": _stack,
    "ec2:elastic-ip": _elastic_ip,
    "ec2:instance": _instance,
    "ec2:internet-gateway": _internet_gateway,
    "ec2:launch-template": _launch_template,
    "ec2:natgateway": _nat_gateway,
    "ec2:network-interface": _network_interface,
    "ec2:route-table": _route_table,
    "ec2:security-group": _security_group,
    "ec2:spot-instances-request": _spot_request,
    "ec2:subnet": _subnet,
    "ec2:volume": _volume,
    "ec2:vpc": _vpc,
    "ec2:vpc-endpoint": _endpoint,
    "elasticmapreduce:cluster": _cluster,
    "kms:key": _key,
    "logs:log-group": _log_group,
    "s3": _bucket,
    "secretsmanager:secret": _secret,
}


@pytest.mark.parametrize("kind", KINDS)
def test_lists_a_resource_until_its_service_denies_it(aws: Aws, kind: str) -> None:
    # Given a thing that the tagging service goes on listing
    arn, remove = KINDS[kind](aws)
    tagged(aws, arn)

    before = leftovers(aws)
    remove()
    after = leftovers(aws)

    assert parse_arn(arn).kind == kind
    assert before == [Leftover(arn, confirmed=True, free=kind in FREE)]
    assert after == []


def test_every_kind_that_is_asked_for_is_tried_here() -> None:
    assert set(KINDS) == set(IS_THERE)


def test_a_cluster_that_emr_has_forgotten_is_gone(aws: Aws) -> None:
    tagged(aws, f"arn:aws:elasticmapreduce:{REGION}:{ACCOUNT}:cluster/j-OLD")
    refusal = {"Code": "InvalidRequestException", "Message": "Cluster id 'j-OLD' is not valid."}
    fake_call(aws, "emr.DescribeCluster", {"Error": refusal})

    assert leftovers(aws) == []


def test_believes_the_tagging_service_on_unknown_kinds(aws: Aws) -> None:
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/fruits"
    tagged(aws, arn)

    assert leftovers(aws) == [Leftover(arn, confirmed=False)]


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_lists_a_resource_whose_service_does_not_answer(aws: Aws, code: str) -> None:
    arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234"
    tagged(aws, arn)
    answer: dict[str, Any] = {"Error": {"Code": code, "Message": "No."}}
    fake_call(aws, "kms.DescribeKey", answer)

    assert leftovers(aws) == [Leftover(arn, confirmed=False)]
