"""EMR: moto makes security configurations but does not list them."""

from collections.abc import Mapping
from typing import Any

from infra.local.emr import service
from infra.local.emr.service import Call


def close() -> None:
    """List security configurations."""
    service.serve("ListSecurityConfigurations", list_security_configurations, pages=True)


def list_security_configurations(call: Call) -> Mapping[str, Any]:
    """Tell the security configurations of the account and region."""
    return {
        "SecurityConfigurations": [
            {"Name": each.name, "CreationDateTime": each.creation_date_time}
            for each in call.backend.security_configurations.values()
        ]
    }
