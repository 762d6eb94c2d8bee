"""ECR: repositories of container images."""

from localcloud.cloudformation.resource import Client, Created, Properties, ResourceContext
from localcloud.cloudformation.resources.requests import (
    call,
    document,
    passing_over,
    refuse_others,
    truth,
    undone_on_failure,
)
from localcloud.cloudformation.tags import tag_changes, tag_list

_LONGEST_NAME = 256
_ABSENT = "RepositoryNotFoundException"


class Repository:
    """A repository with its policies."""

    name = "AWS::ECR::Repository"
    properties = frozenset(
        {
            *("RepositoryName", "ImageTagMutability", "LifecyclePolicy", "RepositoryPolicyText"),
            *("EmptyOnDelete", "Tags"),
        }
    )
    replacing = frozenset({"RepositoryName"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        client = context.client("ecr")
        name = call(
            client,
            "CreateRepository",
            repositoryName=properties.get("RepositoryName") or context.physical_name(_LONGEST_NAME, lower_case=True),
            imageTagMutability=properties.get("ImageTagMutability"),
            tags=tag_list(properties),
        )["repository"]["repositoryName"]
        with undone_on_failure(lambda: client.delete_repository(repositoryName=name)):
            self._change_policies(client, name, {}, properties)
        return self._created(client, name)

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        client = context.client("ecr")
        mutability = after.get("ImageTagMutability", "MUTABLE")
        client.put_image_tag_mutability(repositoryName=physical_id, imageTagMutability=mutability)
        self._change_policies(client, physical_id, before, after)
        made = self._created(client, physical_id)
        gone, new = tag_changes(before, after)
        if gone:
            client.untag_resource(resourceArn=made.attributes["Arn"], tagKeys=gone)
        if new:
            client.tag_resource(resourceArn=made.attributes["Arn"], tags=new)
        return made

    def delete(self, context: ResourceContext, physical_id: str, properties: Properties) -> None:
        """Delete the repository, with its images only if ``EmptyOnDelete`` is set."""
        with passing_over(_ABSENT):
            force = truth(properties.get("EmptyOnDelete", False))
            context.client("ecr").delete_repository(repositoryName=physical_id, force=force)

    def _change_policies(self, client: Client, name: str, before: Properties, after: Properties) -> None:
        if before.get("LifecyclePolicy") != after.get("LifecyclePolicy"):
            policy = after.get("LifecyclePolicy") or {}
            refuse_others("LifecyclePolicy", policy, ("LifecyclePolicyText",))
            if policy:
                text = policy["LifecyclePolicyText"]
                client.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=text)
            else:
                client.delete_lifecycle_policy(repositoryName=name)
        if before.get("RepositoryPolicyText") != after.get("RepositoryPolicyText"):
            if after.get("RepositoryPolicyText"):
                text = document(after["RepositoryPolicyText"])
                client.set_repository_policy(repositoryName=name, policyText=text)
            else:
                client.delete_repository_policy(repositoryName=name)

    def _created(self, client: Client, name: str) -> Created:
        (found,) = client.describe_repositories(repositoryNames=[name])["repositories"]
        return Created(name, {"Arn": found["repositoryArn"], "RepositoryUri": found["repositoryUri"]})
