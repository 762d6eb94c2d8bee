"""Service Quotas: the gap of stock moto, and its patch."""

import pytest
from botocore.exceptions import ClientError

from localcloud.moto_patches import servicequotas
from tests.localcloud.cloudformation.resources.conftest import Client
from tests.localcloud.cloudformation.resources.conftest import aws as aws  # noqa: PLC0414 - a fixture
from tests.localcloud.moto_patches.in_process import apply

SPOT = {"ServiceCode": "ec2", "QuotaCode": "L-34B43A08"}


def test_stock_moto_knows_no_quota_of_ec2(aws: Client) -> None:
    with pytest.raises(ClientError) as raised:
        aws("service-quotas").get_service_quota(**SPOT)
    assert raised.value.response["Error"]["Code"] == "NoSuchResourceException"


def test_a_quota_is_answered_and_set(aws: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(monkeypatch, servicequotas)
    client = aws("service-quotas")
    assert client.get_service_quota(**SPOT)["Quota"]["Value"] == 1152
    client.request_service_quota_increase(**SPOT, DesiredValue=0)
    assert client.get_service_quota(**SPOT)["Quota"]["Value"] == 0
    other = client.get_service_quota(ServiceCode="ec2", QuotaCode="L-1216C47A")["Quota"]
    assert (other["Value"], other["ServiceCode"]) == (1152, "ec2")


def test_an_unknown_quota_is_refused(aws: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(monkeypatch, servicequotas)
    with pytest.raises(ClientError) as raised:
        aws("service-quotas").request_service_quota_increase(ServiceCode="ec2", QuotaCode="L-0", DesiredValue=1)
    assert raised.value.response["Error"]["Code"] == "NoSuchResourceException"
