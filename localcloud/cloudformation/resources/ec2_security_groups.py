"""EC2: security groups, and rules declared as separate resources."""

from collections.abc import Mapping
from typing import Any

from localcloud.cloudformation.resource import Client, Created, Properties, ResourceContext
from localcloud.cloudformation.resources.ec2_vpc import change_tags, tag_specifications
from localcloud.cloudformation.resources.requests import call, passing_over, refuse_others, undone_on_failure

_LONGEST_NAME = 255
_ABSENT = ("InvalidGroup.NotFound", "InvalidPermission.NotFound", "InvalidSecurityGroupRuleId.NotFound")
_PORTS = ("FromPort", "ToPort")
_OTHER_GROUP = {"ingress": "SourceSecurityGroupId", "egress": "DestinationSecurityGroupId"}
"""A template's property for the group at a rule's other end."""


class SecurityGroup:
    """A group with the rules that are written into it."""

    name = "AWS::EC2::SecurityGroup"
    properties = frozenset(
        {"GroupDescription", "GroupName", "SecurityGroupEgress", "SecurityGroupIngress", "Tags", "VpcId"}
    )
    replacing = frozenset({"GroupDescription", "GroupName", "VpcId"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        """Create the group; it allows all outgoing traffic unless a rule for it is given."""
        client = context.client("ec2")
        group = call(
            client,
            "CreateSecurityGroup",
            GroupName=properties.get("GroupName") or context.physical_name(_LONGEST_NAME),
            Description=properties["GroupDescription"],
            VpcId=properties.get("VpcId"),
            TagSpecifications=tag_specifications("security-group", properties),
        )["GroupId"]
        with undone_on_failure(lambda: client.delete_security_group(GroupId=group)):
            if properties.get("SecurityGroupEgress"):
                (found,) = client.describe_security_groups(GroupIds=[group])["SecurityGroups"]
                client.revoke_security_group_egress(GroupId=group, IpPermissions=found["IpPermissionsEgress"])
            self._change_rules(client, group, {}, properties)
        return self._created(client, group)

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        client = context.client("ec2")
        self._change_rules(client, physical_id, before, after)
        change_tags(client, physical_id, before, after)
        return self._created(client, physical_id)

    def delete(self, context: ResourceContext, physical_id: str, _properties: Properties) -> None:
        with passing_over("InvalidGroup.NotFound"):
            context.client("ec2").delete_security_group(GroupId=physical_id)

    def _change_rules(self, client: Client, group: str, before: Properties, after: Properties) -> None:
        for direction in _OTHER_GROUP:
            name = f"SecurityGroup{direction.capitalize()}"
            old = [permission(direction, rule) for rule in before.get(name, [])]
            new = [permission(direction, rule) for rule in after.get(name, [])]
            # Like CloudFormation, revoke a changed rule, then authorize its new form.
            for rule in old:
                if rule not in new:
                    with passing_over(*_ABSENT):
                        _call(client, "revoke", direction, GroupId=group, IpPermissions=[rule])
            for rule in new:
                if rule not in old:
                    # Exists already if this undoes a change that failed halfway.
                    with passing_over("InvalidPermission.Duplicate"):
                        _call(client, "authorize", direction, GroupId=group, IpPermissions=[rule])

    def _created(self, client: Client, group: str) -> Created:
        (found,) = client.describe_security_groups(GroupIds=[group])["SecurityGroups"]
        return Created(group, {"Id": group, "GroupId": group, "VpcId": found.get("VpcId", "")})


class _Rule:
    """A rule of a group that is declared elsewhere."""

    direction: str

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        rule = permission(self.direction, {name: value for name, value in properties.items() if name != "GroupId"})
        group = properties["GroupId"]
        made = _call(context.client("ec2"), "authorize", self.direction, GroupId=group, IpPermissions=[rule])
        identifier = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        return Created(identifier, {"Id": identifier})

    def update(self, context: ResourceContext, physical_id: str, _before: Properties, after: Properties) -> Created:
        rule = {name: value for name, value in after.items() if name != "GroupId"}
        changed = permission(self.direction, {"Description": "", **rule})
        update = getattr(context.client("ec2"), f"update_security_group_rule_descriptions_{self.direction}")
        update(GroupId=after["GroupId"], IpPermissions=[changed])
        return Created(physical_id, {"Id": physical_id})

    def delete(self, context: ResourceContext, physical_id: str, properties: Properties) -> None:
        with passing_over(*_ABSENT):
            group = properties["GroupId"]
            _call(context.client("ec2"), "revoke", self.direction, GroupId=group, SecurityGroupRuleIds=[physical_id])


class SecurityGroupIngress(_Rule):
    """A rule for incoming traffic."""

    name = "AWS::EC2::SecurityGroupIngress"
    direction = "ingress"
    replacing = frozenset({"CidrIp", "CidrIpv6", "GroupId", "IpProtocol", "SourceSecurityGroupId", *_PORTS})
    properties = replacing | {"Description"}


class SecurityGroupEgress(_Rule):
    """A rule for outgoing traffic."""

    name = "AWS::EC2::SecurityGroupEgress"
    direction = "egress"
    replacing = frozenset({"CidrIp", "CidrIpv6", "GroupId", "IpProtocol", "DestinationSecurityGroupId", *_PORTS})
    properties = replacing | {"Description"}


def permission(direction: str, rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rule as EC2's API has it, from one as CloudFormation has it.

    ``direction`` is ``ingress`` or ``egress``. Raise ValueError for an unknown part or unless exactly one other end is
    named.
    """
    ends = {"CidrIp": "IpRanges", "CidrIpv6": "Ipv6Ranges", _OTHER_GROUP[direction]: "UserIdGroupPairs"}
    refuse_others(f"SecurityGroup{direction.capitalize()}", rule, ("IpProtocol", "Description", *_PORTS, *ends))
    given = [name for name in ends if rule.get(name)]
    if len(given) != 1:
        raise ValueError(f"A rule must name exactly one of {', '.join(ends)}, got {', '.join(given) or 'none'}.")
    end = {"GroupId" if given[0] == _OTHER_GROUP[direction] else given[0]: rule[given[0]]}
    description = {"Description": rule["Description"]} if "Description" in rule else {}
    ports = {name: int(rule[name]) for name in _PORTS if name in rule}
    return {"IpProtocol": str(rule["IpProtocol"]), **ports, ends[given[0]]: [end | description]}


def _call(client: Client, verb: str, direction: str, **parameters: object) -> Mapping[str, Any]:
    answer: Mapping[str, Any] = getattr(client, f"{verb}_security_group_{direction}")(**parameters)
    return answer
