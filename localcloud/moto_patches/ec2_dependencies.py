"""EC2: moto removes what is still in use.

AWS answers DependencyViolation for a security group that a rule or an interface names, for a subnet with interfaces,
for a network with gateways, groups or endpoints, and does not give back an address that is in use. And a NAT gateway
that was deleted keeps neither its interface nor its address; moto answers 500 for one that nobody knows.
"""

from typing import Any

from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models import EC2Backend

from localcloud import patching


class AddressInUseError(EC2ClientError):
    """An address that is not given back, because a gateway or a machine uses it."""

    def __init__(self, address: str) -> None:
        super().__init__("InvalidIPAddress.InUse", f"Address {address} is in use.")


class NatGatewayUnknownError(EC2ClientError):
    """A NAT gateway that nobody knows."""

    def __init__(self, gateway: str) -> None:
        super().__init__("NatGatewayNotFound", f"NAT gateway {gateway} was not found")


def close() -> None:
    """Refuse to remove what is in use, and let a NAT gateway take its interface along."""
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
        patching.replace(EC2Backend, function.__name__, function)


def _group_in_use(backend: Any, group_id: str) -> bool:  # noqa: ANN401 - moto's own
    others = [group for groups in backend.groups.values() for group in groups.values() if group.id != group_id]
    named = {
        rule.source_group.get("GroupId") for group in others for rule in [*group.ingress_rules, *group.egress_rules]
    }
    worn = {group.id for interface in backend.enis.values() for group in interface.group_set or []}
    lent = {group for endpoint in backend.vpc_end_points.values() for group in endpoint.security_group_ids}
    return group_id in named | worn | lent


def _vpc_in_use(backend: Any, vpc_id: str) -> bool:  # noqa: ANN401 - moto's own
    gateways = [gateway for gateway in backend.internet_gateways.values() if gateway.vpc and gateway.vpc.id == vpc_id]
    endpoints = [endpoint for endpoint in backend.vpc_end_points.values() if endpoint.vpc_id == vpc_id]
    groups = [group for group in backend.groups[vpc_id].values() if group.name != "default"]
    return bool(gateways or endpoints or groups)
