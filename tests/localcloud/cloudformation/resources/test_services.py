"""Keys, secrets, parameters and repositories: made, changed and removed as the services themselves tell it."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.cloudformation.resource import Place
from localcloud.cloudformation.resources.ecr import Repository
from localcloud.cloudformation.resources.kms import Alias, Key
from localcloud.cloudformation.resources.secrets import Secret
from localcloud.cloudformation.resources.ssm import Parameter
from tests.localcloud.cloudformation.resources.conftest import ACCOUNT, Client, tags

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]}
KEY: dict[str, Any] = {
    "Description": "Encrypts disks",
    "EnableKeyRotation": "true",
    "KeyPolicy": POLICY,
    "PendingWindowInDays": 7,
    "Tags": tags(project="orchard"),
}


def test_every_property_of_a_new_key_can_be_read_again(aws: Client, place: Place) -> None:
    made = Key().create(place, KEY | {"Enabled": "false"})

    kms = aws("kms")
    found = kms.describe_key(KeyId=made.physical_id)["KeyMetadata"]
    assert made.attributes == {"KeyId": found["KeyId"], "Arn": found["Arn"]}
    assert (found["Description"], found["Enabled"]) == ("Encrypts disks", False)
    assert json.loads(kms.get_key_policy(KeyId=made.physical_id, PolicyName="default")["Policy"]) == POLICY
    assert kms.list_resource_tags(KeyId=made.physical_id)["Tags"] == [{"TagKey": "project", "TagValue": "orchard"}]
    kms.enable_key(KeyId=made.physical_id)
    assert kms.get_key_rotation_status(KeyId=made.physical_id)["KeyRotationEnabled"] is True


def test_a_key_is_changed_in_place(aws: Client, place: Place) -> None:
    kms = aws("kms")
    key = Key().create(place, KEY).physical_id
    after = {"KeyPolicy": POLICY | {"Id": "other"}, "Tags": tags(owner="me")}

    assert Key().update(place, key, KEY, after).physical_id == key

    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Description"] == ""
    assert json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])["Id"] == "other"
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    assert kms.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "owner", "TagValue": "me"}]


def test_a_removed_key_waits_for_its_end(aws: Client, place: Place) -> None:
    key = Key().create(place, KEY).physical_id
    Key().delete(place, key, KEY)
    Key().delete(place, key, KEY)
    found = aws("kms").describe_key(KeyId=key)["KeyMetadata"]
    assert found["KeyState"] == "PendingDeletion"
    assert 6 <= (found["DeletionDate"] - found["CreationDate"]).days <= 7


def test_an_alias_is_given_passed_on_and_taken_away(aws: Client, place: Place) -> None:
    first, second = (Key().create(place, {}).physical_id for _ in range(2))

    def targets() -> dict[str, str]:
        found = aws("kms").list_aliases()["Aliases"]
        return {each["AliasName"]: each["TargetKeyId"] for each in found if "orchard" in each["AliasName"]}

    before = {"AliasName": "alias/orchard", "TargetKeyId": first}
    assert Alias().create(place, before).physical_id == "alias/orchard"
    assert targets() == {"alias/orchard": first}
    Alias().update(place, "alias/orchard", before, {**before, "TargetKeyId": second})
    assert targets() == {"alias/orchard": second}
    Alias().delete(place, "alias/orchard", before)
    Alias().delete(place, "alias/orchard", before)
    assert targets() == {}


def test_a_given_secret_is_kept_changed_and_removed_at_once(aws: Client, place: Place) -> None:
    secrets = aws("secretsmanager")
    before = {"Name": "key", "Description": "A key", "SecretString": "first", "Tags": tags(project="orchard")}

    made = Secret().create(place, before)

    found = secrets.describe_secret(SecretId="key")
    assert made.physical_id == made.attributes["Id"] == found["ARN"]
    assert (found["Description"], found["Tags"]) == ("A key", tags(project="orchard"))
    assert secrets.get_secret_value(SecretId="key")["SecretString"] == "first"
    after = {"Name": "key", "Description": "Another", "SecretString": "second", "Tags": tags(owner="me")}
    Secret().update(place, made.physical_id, before, after)
    found = secrets.describe_secret(SecretId="key")
    assert (found["Description"], found["Tags"]) == ("Another", tags(owner="me"))
    assert secrets.get_secret_value(SecretId="key")["SecretString"] == "second"
    Secret().delete(place, made.physical_id, after)
    Secret().delete(place, made.physical_id, after)
    assert Secret().create(place, before)


def test_a_secret_is_made_up_and_stays_when_something_else_changes(aws: Client, place: Place) -> None:
    rules = {"GenerateSecretString": {"ExcludePunctuation": "true", "PasswordLength": 24}}

    made = Secret().create(place, rules)

    value = aws("secretsmanager").get_secret_value(SecretId=made.physical_id)["SecretString"]
    assert (len(value), value.isalnum()) == (24, True)
    Secret().update(place, made.physical_id, rules, {**rules, "Description": "A password"})
    assert aws("secretsmanager").get_secret_value(SecretId=made.physical_id)["SecretString"] == value


def test_a_made_up_secret_can_be_put_into_an_object(aws: Client, place: Place) -> None:
    rules = {"SecretStringTemplate": '{"user": "jovyan"}', "GenerateStringKey": "password", "PasswordLength": 12}
    made = Secret().create(place, {"GenerateSecretString": rules})
    value = json.loads(aws("secretsmanager").get_secret_value(SecretId=made.physical_id)["SecretString"])
    assert (value["user"], len(value["password"])) == ("jovyan", 12)


def test_a_secret_is_not_given_and_made_up_at_the_same_time(place: Place) -> None:
    with pytest.raises(ValueError, match=r"^A secret has SecretString or GenerateSecretString, not both.$"):
        Secret().create(place, {"SecretString": "x", "GenerateSecretString": {}})


def test_a_parameter_is_kept_changed_and_removed(aws: Client, place: Place) -> None:
    ssm = aws("ssm")
    before = {"Name": "/cdk/version", "Type": "String", "Value": 33, "Tags": {"project": "orchard"}}

    made = Parameter().create(place, before)

    found = ssm.get_parameter(Name="/cdk/version")["Parameter"]
    assert (made.physical_id, found["Type"], found["Value"]) == ("/cdk/version", "String", "33")
    assert made.attributes == {"Type": "String", "Value": "33"}
    listed = {"ResourceType": "Parameter", "ResourceId": "/cdk/version"}
    assert ssm.list_tags_for_resource(**listed)["TagList"] == tags(project="orchard")
    after = {"Name": "/cdk/version", "Type": "String", "Value": "34", "Tags": {"owner": "me"}, "Description": "New"}
    assert Parameter().update(place, "/cdk/version", before, after).attributes["Value"] == "34"
    assert ssm.get_parameter(Name="/cdk/version")["Parameter"]["Value"] == "34"
    assert ssm.describe_parameters()["Parameters"][0]["Description"] == "New"
    assert ssm.list_tags_for_resource(**listed)["TagList"] == tags(owner="me")
    Parameter().delete(place, "/cdk/version", after)
    Parameter().delete(place, "/cdk/version", after)
    assert ssm.describe_parameters()["Parameters"] == []


def test_a_parameter_that_is_there_already_is_not_taken_over(place: Place) -> None:
    Parameter().create(place, {"Name": "/cdk/version", "Type": "String", "Value": "33"})
    with pytest.raises(ClientError, match="ParameterAlreadyExists"):
        Parameter().create(place, {"Name": "/cdk/version", "Type": "String", "Value": "1"})


LIFECYCLE = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": 365,
                },
                "action": {"type": "expire"},
            }
        ]
    }
)
REPOSITORY: dict[str, Any] = {
    "RepositoryName": "assets",
    "ImageTagMutability": "IMMUTABLE",
    "LifecyclePolicy": {"LifecyclePolicyText": LIFECYCLE},
    "RepositoryPolicyText": {"Version": "2012-10-17", "Statement": []},
    "Tags": tags(project="orchard"),
}


def test_a_repository_is_made_changed_and_removed(aws: Client, place: Place) -> None:
    ecr = aws("ecr")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:Get*"}]}
    before = REPOSITORY | {"RepositoryPolicyText": policy}

    made = Repository().create(place, before)

    (found,) = ecr.describe_repositories()["repositories"]
    arn = f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/assets"
    assert made.attributes == {"Arn": arn, "RepositoryUri": f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/assets"}
    assert (made.physical_id, found["imageTagMutability"]) == ("assets", "IMMUTABLE")
    assert json.loads(ecr.get_lifecycle_policy(repositoryName="assets")["lifecyclePolicyText"]) == json.loads(LIFECYCLE)
    assert json.loads(ecr.get_repository_policy(repositoryName="assets")["policyText"]) == policy
    assert ecr.list_tags_for_resource(resourceArn=arn)["tags"] == tags(project="orchard")
    Repository().update(place, "assets", before, {"RepositoryName": "assets", "Tags": tags(owner="me")})
    assert ecr.describe_repositories()["repositories"][0]["imageTagMutability"] == "MUTABLE"
    assert ecr.list_tags_for_resource(resourceArn=arn)["tags"] == tags(owner="me")
    for read in (ecr.get_lifecycle_policy, ecr.get_repository_policy):
        with pytest.raises(ClientError, match="NotFoundException"):
            read(repositoryName="assets")
    Repository().delete(place, "assets", {})
    Repository().delete(place, "assets", {})
    assert ecr.describe_repositories()["repositories"] == []


@pytest.mark.parametrize("emptied", [False, True])
def test_a_repository_with_images_is_removed_only_if_that_was_asked_for(
    aws: Client,
    place: Place,
    emptied: bool,
) -> None:
    properties = {"RepositoryName": "assets", "EmptyOnDelete": emptied}
    Repository().create(place, properties)
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": []}
    aws("ecr").put_image(repositoryName="assets", imageManifest=json.dumps(manifest), imageTag="one")
    if emptied:
        Repository().delete(place, "assets", properties)
        assert aws("ecr").describe_repositories()["repositories"] == []
    else:
        with pytest.raises(ClientError, match="RepositoryNotEmptyException"):
            Repository().delete(place, "assets", properties)
