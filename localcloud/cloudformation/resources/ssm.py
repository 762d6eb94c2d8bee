"""Systems Manager: parameters."""

from localcloud.cloudformation.resource import Created, Properties, ResourceContext
from localcloud.cloudformation.resources.requests import call, passing_over

_LONGEST_NAME = 1011


class Parameter:
    """A value with a name."""

    name = "AWS::SSM::Parameter"
    properties = frozenset({"Name", "Type", "Value", "Description", "Tags"})
    replacing = frozenset({"Name"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        client = context.client("ssm")
        name = str(properties.get("Name") or context.physical_name(_LONGEST_NAME))
        tags = [{"Key": key, "Value": value} for key, value in properties.get("Tags", {}).items()]
        given = {**properties, "Name": name, "Tags": tags}
        call(client, "PutParameter", **given)
        return self._created(name, properties)

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        """Update the value; only here, tags are an object instead of a list."""
        client = context.client("ssm")
        given = {name: value for name, value in after.items() if name != "Tags"}
        given |= {"Name": physical_id, "Description": after.get("Description", ""), "Overwrite": True}
        call(client, "PutParameter", **given)
        old, new = before.get("Tags", {}), after.get("Tags", {})
        whose = {"ResourceType": "Parameter", "ResourceId": physical_id}
        gone = [key for key in old if key not in new]
        changed = [{"Key": key, "Value": value} for key, value in new.items() if old.get(key) != value]
        if gone:
            client.remove_tags_from_resource(**whose, TagKeys=gone)
        if changed:
            client.add_tags_to_resource(**whose, Tags=changed)
        return self._created(physical_id, after)

    def delete(self, context: ResourceContext, physical_id: str, _properties: Properties) -> None:
        with passing_over("ParameterNotFound"):
            context.client("ssm").delete_parameter(Name=physical_id)

    def _created(self, name: str, properties: Properties) -> Created:
        return Created(name, {"Type": properties["Type"], "Value": str(properties["Value"])})
