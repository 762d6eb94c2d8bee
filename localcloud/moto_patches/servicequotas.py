"""Service Quotas: moto knows the quotas of VPCs only. Here are those of EC2 that limit a cluster's virtual CPUs.

A request for another value is granted at once, also for a lower one, which AWS refuses: tests use it for an account
with small quotas.
"""

import json
from collections.abc import Mapping
from typing import Any

from moto.servicequotas.models import ServiceQuotasBackend
from moto.servicequotas.responses import ServiceQuotasResponse

from localcloud.moto_patches import Replace

_NAMES: Mapping[tuple[str, str], str] = {
    ("ec2", "L-1216C47A"): "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
    ("ec2", "L-34B43A08"): "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests",
}
_VALUE = 1152.0
"""Virtual CPUs, more than any setting needs; a new account often has 5."""


def apply(replace: Replace) -> None:
    """Answer for EC2's quotas, and grant other values."""
    get = ServiceQuotasBackend.get_service_quota

    def get_service_quota(self: ServiceQuotasBackend, service_code: str, quota_code: str) -> dict[str, Any]:
        name = _NAMES.get((service_code, quota_code))
        if name is None:
            return get(self, service_code, quota_code)
        return {
            "ServiceCode": service_code,
            "QuotaCode": quota_code,
            "QuotaName": name,
            "QuotaArn": f"arn:aws:servicequotas:{self.region_name}:{self.account_id}:{service_code}/{quota_code}",
            "Value": _granted(self).get(quota_code, _VALUE),
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }

    def request_service_quota_increase(self: ServiceQuotasResponse) -> str:
        asked = json.loads(self.body)
        # Raises for an unknown quota.
        self.backend.get_service_quota(asked["ServiceCode"], asked["QuotaCode"])
        _granted(self.backend)[asked["QuotaCode"]] = float(asked["DesiredValue"])
        return json.dumps({"RequestedQuota": {**asked, "Status": "APPROVED"}})

    replace(ServiceQuotasBackend, "get_service_quota", get_service_quota)
    replace(ServiceQuotasResponse, "request_service_quota_increase", request_service_quota_increase)


def _granted(backend: ServiceQuotasBackend) -> dict[str, float]:
    granted: dict[str, float] = vars(backend).setdefault("localcloud_granted", {})
    return granted
