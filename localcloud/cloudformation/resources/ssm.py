"""Systems Manager: parameters."""

from localcloud.cloudformation.resource import Made, Place, Properties
from localcloud.cloudformation.resources.naming import physical_name
from localcloud.cloudformation.resources.requests import passing_over, request

_LONGEST_NAME = 1011


class Parameter:
    """A value with a name."""

    name = "AWS::SSM::Parameter"
    properties = frozenset({"Name", "Type", "Value", "Description", "Tags"})
    replacing = frozenset({"Name"})

    def create(self, place: Place, properties: Properties) -> Made:
        """Keep the value."""
        client = place.client("ssm")
        name = str(properties.get("Name") or physical_name(place, _LONGEST_NAME))
        tags = [{"Key": key, "Value": value} for key, value in properties.get("Tags", {}).items()]
        given = {**properties, "Name": name, "Tags": tags}
        client.put_parameter(**request(client, "PutParameter", **given))
        return self._made(name, properties)

    def update(self, place: Place, physical_id: str, before: Properties, after: Properties) -> Made:
        """Keep another value; here alone tags are an object, not a list."""
        client = place.client("ssm")
        given = {name: value for name, value in after.items() if name != "Tags"}
        given |= {"Name": physical_id, "Description": after.get("Description", ""), "Overwrite": True}
        client.put_parameter(**request(client, "PutParameter", **given))
        old, new = before.get("Tags", {}), after.get("Tags", {})
        whose = {"ResourceType": "Parameter", "ResourceId": physical_id}
        gone = [key for key in old if key not in new]
        changed = [{"Key": key, "Value": value} for key, value in new.items() if old.get(key) != value]
        if gone:
            client.remove_tags_from_resource(**whose, TagKeys=gone)
        if changed:
            client.add_tags_to_resource(**whose, Tags=changed)
        return self._made(physical_id, after)

    def delete(self, place: Place, physical_id: str, _properties: Properties) -> None:
        """Remove the parameter."""
        with passing_over("ParameterNotFound"):
            place.client("ssm").delete_parameter(Name=physical_id)

    def _made(self, name: str, properties: Properties) -> Made:
        return Made(name, {"Type": properties["Type"], "Value": str(properties["Value"])})
