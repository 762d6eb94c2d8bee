"""Secrets Manager: secrets, given or generated."""

import json
from collections.abc import Mapping
from typing import Any

from localcloud.cloudformation.resource import Client, Created, Properties, ResourceContext
from localcloud.cloudformation.resources.requests import call, passing_over, refuse_others
from localcloud.cloudformation.tags import retag, tag_list

_TEMPLATE = ("GenerateStringKey", "SecretStringTemplate")
_RULES = (
    *("ExcludeCharacters", "ExcludeLowercase", "ExcludeNumbers", "ExcludePunctuation", "ExcludeUppercase"),
    *("IncludeSpace", "PasswordLength", "RequireEachIncludedType"),
)


class Secret:
    """A secret with its value."""

    name = "AWS::SecretsManager::Secret"
    properties = frozenset({"Description", "GenerateSecretString", "KmsKeyId", "Name", "SecretString", "Tags"})
    replacing = frozenset({"Name"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        """Create the secret with the given or a generated value."""
        client = context.client("secretsmanager")
        return self._created(
            call(
                client,
                "CreateSecret",
                Name=properties.get("Name") or context.name_without_stack(),
                Description=properties.get("Description"),
                KmsKeyId=properties.get("KmsKeyId"),
                SecretString=_value(client, properties),
                Tags=tag_list(properties),
            )["ARN"]
        )

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        """Update description and tags, and the value if its source has changed."""
        client = context.client("secretsmanager")
        changed = any(before.get(name) != after.get(name) for name in ("GenerateSecretString", "SecretString"))
        call(
            client,
            "UpdateSecret",
            SecretId=physical_id,
            Description=after.get("Description", ""),
            KmsKeyId=after.get("KmsKeyId"),
            SecretString=_value(client, after) if changed else None,
        )
        retag(client, before, after, SecretId=physical_id)
        return self._created(physical_id)

    def delete(self, context: ResourceContext, physical_id: str, _properties: Properties) -> None:
        """Delete the secret at once, so that a new one may have its name."""
        with passing_over("ResourceNotFoundException"):
            context.client("secretsmanager").delete_secret(SecretId=physical_id, ForceDeleteWithoutRecovery=True)

    def _created(self, arn: str) -> Created:
        return Created(arn, {"Id": arn})


def _value(client: Client, properties: Properties) -> str | None:
    """Return the value of a secret; None for one that is to have none yet."""
    if "SecretString" in properties and "GenerateSecretString" in properties:
        raise ValueError("A secret must have SecretString or GenerateSecretString, not both.")
    if "GenerateSecretString" in properties:
        return _generated(client, properties["GenerateSecretString"])
    return str(properties["SecretString"]) if "SecretString" in properties else None


def _generated(client: Client, given: Mapping[str, Any]) -> str:
    refuse_others("GenerateSecretString", given, (*_RULES, *_TEMPLATE))
    rules = {name: value for name, value in given.items() if name in _RULES}
    password: str = call(client, "GetRandomPassword", **rules)["RandomPassword"]
    if not any(name in given for name in _TEMPLATE):
        return password
    return json.dumps({**json.loads(given["SecretStringTemplate"]), given["GenerateStringKey"]: password})
