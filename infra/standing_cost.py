"""What OrchardCluster costs a month once its cluster has ended itself, until the stack is destroyed.

Prices are rounded for the regions of the EU, in November 2026: about 8 USD a month for an interface endpoint in one
zone, 35 for a NAT gateway without its traffic, 3.65 for its public address, 1 for a key of KMS and 0.40 for a secret.
"""

from infra.settings import Settings

HOURS_A_MONTH = 730
"""365 days in twelve parts, as AWS counts."""

STANDING_OUTPUT = "StandingUsdAMonth"
"""Output of OrchardCluster with the amount."""

ENDPOINT_USD_AN_HOUR = 0.011
NAT_GATEWAY_USD_AN_HOUR = 0.048
PUBLIC_ADDRESS_USD_AN_HOUR = 0.005
KEY_USD_A_MONTH = 1.00
SECRET_USD_A_MONTH = 0.40


def standing_costs(settings: Settings) -> dict[str, float]:
    """Return USD a month by item; an item costs until the stack is deleted, also after the cluster has ended."""
    costs = {"key of the disks": KEY_USD_A_MONTH}
    endpoints = len(settings.endpoint_services)
    if endpoints:
        costs[f"interface endpoints ({endpoints})"] = endpoints * ENDPOINT_USD_AN_HOUR * HOURS_A_MONTH
    if settings.network == "private-nat" and not settings.vpc_id:
        costs["NAT gateway"] = (NAT_GATEWAY_USD_AN_HOUR + PUBLIC_ADDRESS_USD_AN_HOUR) * HOURS_A_MONTH
    if settings.jupyterhub:
        costs["JupyterHub's password"] = SECRET_USD_A_MONTH
    return costs


def standing_usd_a_month(settings: Settings) -> float:
    """Return the sum of ``standing_costs``."""
    return sum(standing_costs(settings).values())
