"""EC2: moto deletes resources in use, keeps deleted endpoints and their routes, and drops some descriptions.

AWS answers DependencyViolation for a security group that a rule or an interface names, for a subnet with interfaces,
and for a network with gateways, groups or endpoints, and does not release an address that is in use. A deleted NAT
gateway keeps neither its interface nor its address; moto answers 500 for an unknown one. A changed list of route tables
leaves an endpoint's old routes and creates no new ones. moto stores the description of a rule that names another group
with that group, and does not look for it there.
"""

from typing import Any

from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.models.vpcs import VPCEndPoint

from localcloud.moto_patches import Replace


class AddressInUseError(EC2ClientError):
    """An address that cannot be released because a gateway or a machine uses it."""

    def __init__(self, address: str) -> None:
        super().__init__("InvalidIPAddress.InUse", f"Address {address} is in use.")


class NatGatewayUnknownError(EC2ClientError):
    """An unknown NAT gateway."""

    def __init__(self, gateway: str) -> None:
        super().__init__("NatGatewayNotFound", f"NAT gateway {gateway} was not found")


def apply(replace: Replace) -> None:
    """Refuse to delete resources in use, move and delete an endpoint's routes, keep the descriptions of rules."""
    keep_what_is_in_use(replace)
    move_routes_of_endpoints(replace)
    keep_rule_descriptions(replace)


def keep_what_is_in_use(replace: Replace) -> None:
    """Refuse to delete resources in use, and delete a NAT gateway's interface with it."""
    remove_group, remove_subnet = EC2Backend.delete_security_group, EC2Backend.delete_subnet
    remove_vpc, release, remove_nat = EC2Backend.delete_vpc, EC2Backend.release_address, EC2Backend.delete_nat_gateway

    def delete_security_group(self: Any, name: str | None = None, group_id: str | None = None) -> None:  # noqa: ANN401 - moto's own
        group = self.get_security_group_by_name_or_id(group_id or name)
        if group is not None and _group_in_use(self, group.id):
            raise DependencyViolationError(f"resource {group.id} has a dependent object")
        remove_group(self, name, group_id)

    def delete_subnet(self: Any, subnet_id: str) -> Any:  # noqa: ANN401 - moto's own
        if any(interface.subnet.id == subnet_id for interface in self.enis.values()):
            raise DependencyViolationError(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
        return remove_subnet(self, subnet_id)

    def delete_vpc(self: Any, vpc_id: str) -> Any:  # noqa: ANN401 - moto's own
        if _vpc_in_use(self, vpc_id):
            raise DependencyViolationError(f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
        return remove_vpc(self, vpc_id)

    def release_address(self: Any, address: str | None = None, allocation_id: str | None = None) -> None:  # noqa: ANN401 - moto's own
        (found,) = self.address_by_ip([address]) if address else self.address_by_allocation([allocation_id])
        if found.association_id:
            raise AddressInUseError(found.public_ip)
        release(self, address, allocation_id)

    def delete_nat_gateway(self: Any, nat_gateway_id: str) -> Any:  # noqa: ANN401 - moto's own
        if nat_gateway_id not in self.nat_gateways:
            raise NatGatewayUnknownError(nat_gateway_id)
        gateway = remove_nat(self, nat_gateway_id)
        for address in gateway.address_set:
            if "publicIp" in address:
                self.disassociate_address(address=address["publicIp"])
        self.enis.pop(gateway._eni.id, None)
        return gateway

    for function in (delete_security_group, delete_subnet, delete_vpc, release_address, delete_nat_gateway):
        replace(EC2Backend, function.__name__, function)


def _group_in_use(backend: Any, group_id: str) -> bool:  # noqa: ANN401 - moto's own
    others = [group for groups in backend.groups.values() for group in groups.values() if group.id != group_id]
    named = {
        rule.source_group.get("GroupId") for group in others for rule in [*group.ingress_rules, *group.egress_rules]
    }
    of_interfaces = {group.id for interface in backend.enis.values() for group in interface.group_set or []}
    of_endpoints = {group for endpoint in backend.vpc_end_points.values() for group in endpoint.security_group_ids}
    return group_id in named | of_interfaces | of_endpoints


def _vpc_in_use(backend: Any, vpc_id: str) -> bool:  # noqa: ANN401 - moto's own
    gateways = [gateway for gateway in backend.internet_gateways.values() if gateway.vpc and gateway.vpc.id == vpc_id]
    endpoints = [endpoint for endpoint in backend.vpc_end_points.values() if endpoint.vpc_id == vpc_id]
    groups = [group for group in backend.groups[vpc_id].values() if group.name != "default"]
    return bool(gateways or endpoints or groups)


def move_routes_of_endpoints(replace: Replace) -> None:
    """Keep routes in step with the endpoint's route tables, and drop a deleted endpoint."""
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

    replace(EC2Backend, "modify_vpc_endpoint", modify_vpc_endpoint)
    replace(EC2Backend, "delete_vpc_endpoints", delete_vpc_endpoints)


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


def keep_rule_descriptions(replace: Replace) -> None:
    """Return a rule's description, and ignore it when rules are compared."""
    same = SecurityGroupRule.__eq__

    def description(self: SecurityGroupRule) -> str | None:
        return self.ip_range.get("Description") or self.source_group.get("Description")

    def equal(self: SecurityGroupRule, other: SecurityGroupRule) -> bool:
        ours, theirs = self.source_group, other.source_group
        try:
            self.source_group, other.source_group = _end(ours), _end(theirs)
            return same(self, other)
        finally:
            self.source_group, other.source_group = ours, theirs

    replace(SecurityGroupRule, "description", property(description))
    replace(SecurityGroupRule, "__eq__", equal)


def _end(group: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in group.items() if name != "Description"}
