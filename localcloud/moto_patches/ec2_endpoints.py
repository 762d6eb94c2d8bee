"""EC2: moto's VPC endpoints do not move their routes with their route tables, and never go away.

A changed list of route tables leaves the old routes and makes no new ones; then the endpoint cannot be deleted for
want of a route. A deleted endpoint is listed for ever.
"""

from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.vpcs import VPCEndPoint

from localcloud import patching


def close() -> None:
    """Have routes follow the endpoint's route tables, and forget a deleted endpoint."""
    modify, delete = EC2Backend.modify_vpc_endpoint, EC2Backend.delete_vpc_endpoints

    def modify_vpc_endpoint(self: Any, vpc_id: str, *given: Any, **named: Any) -> None:  # noqa: ANN401 - moto's own
        (endpoint,) = self.describe_vpc_endpoints(vpc_end_point_ids=[vpc_id])
        before = list(endpoint.route_table_ids or [])
        modify(self, vpc_id, *given, **named)
        _move_routes(self, endpoint, before)

    def delete_vpc_endpoints(self: Any, vpce_ids: list[str] | None = None) -> None:  # noqa: ANN401 - moto's own
        delete(self, vpce_ids)
        for identifier in vpce_ids or []:
            self.vpc_end_points.pop(identifier, None)

    patching.replace(EC2Backend, "modify_vpc_endpoint", modify_vpc_endpoint)
    patching.replace(EC2Backend, "delete_vpc_endpoints", delete_vpc_endpoints)


def _move_routes(backend: Any, endpoint: VPCEndPoint, before: list[str]) -> None:  # noqa: ANN401 - moto's own
    services = endpoint.destination_prefix_list_id
    if not services:
        return
    after = list(endpoint.route_table_ids or [])
    for table in before:
        if table not in after:
            backend.delete_route(table, services)
    for table in after:
        if table not in before:
            backend.create_route(table, None, gateway_id=endpoint.id, destination_prefix_list_id=services)
