"""Secrets: created, updated and deleted, as Secrets Manager describes them."""

import json

import pytest

from localcloud.cloudformation.resource import ResourceContext
from localcloud.cloudformation.resources.secrets import Secret
from tests.localcloud.cloudformation.resources.conftest import Client, tags


def test_a_given_secret_is_kept_changed_and_removed_at_once(aws: Client, context: ResourceContext) -> None:
    secrets = aws("secretsmanager")
    before = {"Name": "key", "Description": "A key", "SecretString": "first", "Tags": tags(project="orchard")}

    made = Secret().create(context, before)

    found = secrets.describe_secret(SecretId="key")
    assert made.physical_id == made.attributes["Id"] == found["ARN"]
    assert (found["Description"], found["Tags"]) == ("A key", tags(project="orchard"))
    assert secrets.get_secret_value(SecretId="key")["SecretString"] == "first"
    after = {"Name": "key", "Description": "Another", "SecretString": "second", "Tags": tags(owner="me")}
    Secret().update(context, made.physical_id, before, after)
    found = secrets.describe_secret(SecretId="key")
    assert (found["Description"], found["Tags"]) == ("Another", tags(owner="me"))
    assert secrets.get_secret_value(SecretId="key")["SecretString"] == "second"
    Secret().delete(context, made.physical_id, after)
    Secret().delete(context, made.physical_id, after)
    assert Secret().create(context, before)


def test_keeps_a_generated_secret_when_other_properties_change(aws: Client, context: ResourceContext) -> None:
    rules = {"GenerateSecretString": {"ExcludePunctuation": "true", "PasswordLength": 24}}

    made = Secret().create(context, rules)

    value = aws("secretsmanager").get_secret_value(SecretId=made.physical_id)["SecretString"]
    assert (len(value), value.isalnum()) == (24, True)
    Secret().update(context, made.physical_id, rules, {**rules, "Description": "A password"})
    assert aws("secretsmanager").get_secret_value(SecretId=made.physical_id)["SecretString"] == value


def test_puts_a_generated_secret_into_an_object(aws: Client, context: ResourceContext) -> None:
    rules = {"SecretStringTemplate": '{"user": "jovyan"}', "GenerateStringKey": "password", "PasswordLength": 12}
    made = Secret().create(context, {"GenerateSecretString": rules})
    value = json.loads(aws("secretsmanager").get_secret_value(SecretId=made.physical_id)["SecretString"])
    assert (value["user"], len(value["password"])) == ("jovyan", 12)


def test_refuses_a_secret_both_given_and_generated(context: ResourceContext) -> None:
    with pytest.raises(ValueError, match="GenerateSecretString"):
        Secret().create(context, {"SecretString": "x", "GenerateSecretString": {}})
