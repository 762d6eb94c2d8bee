"""EMR: moto makes security configurations but does not list them."""

from infra.local.emr import service
from infra.local.emr.service import Call, Output


def close() -> None:
    """List security configurations."""
    service.serve("ListSecurityConfigurations", list_security_configurations, pages=True)


def list_security_configurations(call: Call) -> Output:
    """Tell the security configurations of the account and region."""
    return {
        "SecurityConfigurations": [
            {"Name": each.name, "CreationDateTime": each.creation_date_time}
            for each in call.backend.security_configurations.values()
        ]
    }
