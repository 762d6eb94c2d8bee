"""KMS keys and aliases: created, updated and deleted, as KMS describes them."""

import json
from typing import Any

from localcloud.cloudformation.resource import ResourceContext
from localcloud.cloudformation.resources.kms import Alias, Key
from tests.localcloud.cloudformation.resources.conftest import Client, tags

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]}


KEY: dict[str, Any] = {
    "Description": "Encrypts disks",
    "EnableKeyRotation": "true",
    "KeyPolicy": POLICY,
    "PendingWindowInDays": 7,
    "Tags": tags(project="orchard"),
}


def test_every_property_of_a_new_key_can_be_read_again(aws: Client, context: ResourceContext) -> None:
    made = Key().create(context, KEY | {"Enabled": "false"})

    kms = aws("kms")
    found = kms.describe_key(KeyId=made.physical_id)["KeyMetadata"]
    assert made.attributes == {"KeyId": found["KeyId"], "Arn": found["Arn"]}
    assert (found["Description"], found["Enabled"]) == ("Encrypts disks", False)
    assert json.loads(kms.get_key_policy(KeyId=made.physical_id, PolicyName="default")["Policy"]) == POLICY
    assert kms.list_resource_tags(KeyId=made.physical_id)["Tags"] == [{"TagKey": "project", "TagValue": "orchard"}]
    kms.enable_key(KeyId=made.physical_id)
    assert kms.get_key_rotation_status(KeyId=made.physical_id)["KeyRotationEnabled"] is True


def test_a_key_is_changed_in_place(aws: Client, context: ResourceContext) -> None:
    kms = aws("kms")
    key = Key().create(context, KEY).physical_id
    after = {"KeyPolicy": POLICY | {"Id": "other"}, "Tags": tags(owner="me")}

    assert Key().update(context, key, KEY, after).physical_id == key

    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Description"] == ""
    assert json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])["Id"] == "other"
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    assert kms.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "owner", "TagValue": "me"}]


def test_a_deleted_key_is_pending_deletion(aws: Client, context: ResourceContext) -> None:
    key = Key().create(context, KEY).physical_id
    Key().delete(context, key, KEY)
    Key().delete(context, key, KEY)
    found = aws("kms").describe_key(KeyId=key)["KeyMetadata"]
    assert found["KeyState"] == "PendingDeletion"
    assert 6 <= (found["DeletionDate"] - found["CreationDate"]).days <= 7


def test_an_alias_is_created_moved_and_deleted(aws: Client, context: ResourceContext) -> None:
    first, second = (Key().create(context, {}).physical_id for _ in range(2))

    def targets() -> dict[str, str]:
        found = aws("kms").list_aliases()["Aliases"]
        return {each["AliasName"]: each["TargetKeyId"] for each in found if "orchard" in each["AliasName"]}

    before = {"AliasName": "alias/orchard", "TargetKeyId": first}
    assert Alias().create(context, before).physical_id == "alias/orchard"
    assert targets() == {"alias/orchard": first}
    Alias().update(context, "alias/orchard", before, {**before, "TargetKeyId": second})
    assert targets() == {"alias/orchard": second}
    Alias().delete(context, "alias/orchard", before)
    Alias().delete(context, "alias/orchard", before)
    assert targets() == {}
