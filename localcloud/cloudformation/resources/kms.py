"""KMS: keys and their aliases."""

from collections.abc import Sequence

from localcloud.cloudformation.resource import Client, Created, Properties, ResourceContext
from localcloud.cloudformation.resources.requests import call, document, passing_over, truth, undone_on_failure
from localcloud.cloudformation.tags import tag_changes, tag_list

_WAITING_DAYS = 30
"""Default waiting time before a key is deleted."""
_ABSENT = "NotFoundException"


class Key:
    """A key that encrypts other keys."""

    name = "AWS::KMS::Key"
    properties = frozenset({"Description", "EnableKeyRotation", "Enabled", "KeyPolicy", "PendingWindowInDays", "Tags"})
    replacing: frozenset[str] = frozenset()

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        client = context.client("kms")
        policy = properties.get("KeyPolicy")
        key = call(
            client,
            "CreateKey",
            Description=properties.get("Description"),
            Policy=document(policy) if policy else None,
            Tags=_tags(tag_list(properties)),
        )["KeyMetadata"]["KeyId"]
        with undone_on_failure(lambda: self.delete(context, key, properties)):
            self._switch(client, key, {}, properties)
        return self._created(client, key)

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        """Update everything in place; the waiting time matters only on deletion."""
        client = context.client("kms")
        client.update_key_description(KeyId=physical_id, Description=after.get("Description", ""))
        if before.get("KeyPolicy") != after.get("KeyPolicy"):
            client.put_key_policy(KeyId=physical_id, PolicyName="default", Policy=document(after["KeyPolicy"]))
        self._switch(client, physical_id, before, after)
        gone, new = tag_changes(before, after)
        if gone:
            client.untag_resource(KeyId=physical_id, TagKeys=gone)
        if new:
            client.tag_resource(KeyId=physical_id, Tags=_tags(new))
        return self._created(client, physical_id)

    def delete(self, context: ResourceContext, physical_id: str, properties: Properties) -> None:
        """Schedule the deletion of the key for the end of its waiting time."""
        client = context.client("kms")
        days = int(properties.get("PendingWindowInDays", _WAITING_DAYS))
        with passing_over(_ABSENT, "KMSInvalidStateException"):
            client.schedule_key_deletion(KeyId=physical_id, PendingWindowInDays=days)

    def _switch(self, client: Client, key: str, before: Properties, after: Properties) -> None:
        was_rotated, rotated = (truth(each.get("EnableKeyRotation", False)) for each in (before, after))
        was_enabled, enabled = (truth(each.get("Enabled", True)) for each in (before, after))
        if rotated and not was_rotated:
            client.enable_key_rotation(KeyId=key)
        if was_rotated and not rotated:
            client.disable_key_rotation(KeyId=key)
        if enabled and not was_enabled:
            client.enable_key(KeyId=key)
        if was_enabled and not enabled:
            client.disable_key(KeyId=key)

    def _created(self, client: Client, key: str) -> Created:
        return Created(key, {"KeyId": key, "Arn": client.describe_key(KeyId=key)["KeyMetadata"]["Arn"]})


class Alias:
    """An alias of a key."""

    name = "AWS::KMS::Alias"
    properties = frozenset({"AliasName", "TargetKeyId"})
    replacing = frozenset({"AliasName"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        context.client("kms").create_alias(**properties)
        return Created(properties["AliasName"])

    def update(self, context: ResourceContext, physical_id: str, _before: Properties, after: Properties) -> Created:
        context.client("kms").update_alias(AliasName=physical_id, TargetKeyId=after["TargetKeyId"])
        return Created(physical_id)

    def delete(self, context: ResourceContext, physical_id: str, _properties: Properties) -> None:
        with passing_over(_ABSENT):
            context.client("kms").delete_alias(AliasName=physical_id)


def _tags(tags: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Return tags as KMS takes them."""
    return [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in tags]
