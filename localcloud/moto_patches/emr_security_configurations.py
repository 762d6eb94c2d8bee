"""EMR: moto makes security configurations but does not list them."""

from localcloud.emr import service
from localcloud.emr.service import Call, Output


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
