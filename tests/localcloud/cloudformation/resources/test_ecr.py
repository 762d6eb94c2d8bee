"""Repositories: created, updated and deleted, as ECR describes them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.cloudformation.resource import ResourceContext
from localcloud.cloudformation.resources.ecr import Repository
from tests.localcloud.cloudformation.resources.conftest import ACCOUNT, Client, tags

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


def test_a_repository_is_made_changed_and_removed(aws: Client, context: ResourceContext) -> None:
    ecr = aws("ecr")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:Get*"}]}
    before = REPOSITORY | {"RepositoryPolicyText": policy}

    made = Repository().create(context, before)

    (found,) = ecr.describe_repositories()["repositories"]
    arn = f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/assets"
    assert made.attributes == {"Arn": arn, "RepositoryUri": f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/assets"}
    assert (made.physical_id, found["imageTagMutability"]) == ("assets", "IMMUTABLE")
    assert json.loads(ecr.get_lifecycle_policy(repositoryName="assets")["lifecyclePolicyText"]) == json.loads(LIFECYCLE)
    assert json.loads(ecr.get_repository_policy(repositoryName="assets")["policyText"]) == policy
    assert ecr.list_tags_for_resource(resourceArn=arn)["tags"] == tags(project="orchard")
    Repository().update(context, "assets", before, {"RepositoryName": "assets", "Tags": tags(owner="me")})
    assert ecr.describe_repositories()["repositories"][0]["imageTagMutability"] == "MUTABLE"
    assert ecr.list_tags_for_resource(resourceArn=arn)["tags"] == tags(owner="me")
    for read in (ecr.get_lifecycle_policy, ecr.get_repository_policy):
        with pytest.raises(ClientError, match="NotFoundException"):
            read(repositoryName="assets")
    Repository().delete(context, "assets", {})
    Repository().delete(context, "assets", {})
    assert ecr.describe_repositories()["repositories"] == []


@pytest.mark.parametrize("emptied", [False, True])
def test_deletes_a_repository_with_images_only_on_request(
    aws: Client,
    context: ResourceContext,
    emptied: bool,
) -> None:
    properties = {"RepositoryName": "assets", "EmptyOnDelete": emptied}
    Repository().create(context, properties)
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": []}
    aws("ecr").put_image(repositoryName="assets", imageManifest=json.dumps(manifest), imageTag="one")
    if emptied:
        Repository().delete(context, "assets", properties)
        assert aws("ecr").describe_repositories()["repositories"] == []
    else:
        with pytest.raises(ClientError, match="RepositoryNotEmptyException"):
            Repository().delete(context, "assets", properties)
