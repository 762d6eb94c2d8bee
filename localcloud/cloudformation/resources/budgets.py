"""Budgets: limits of spending, and their alerts."""

from typing import Any

from localcloud.cloudformation.resource import Created, Properties, ReplacementNeededError, ResourceContext
from localcloud.cloudformation.resources.requests import call, passing_over
from localcloud.cloudformation.tags import tag_changes, tag_list

_LONGEST_NAME = 100


class Budget:
    """A budget with its alerts."""

    name = "AWS::Budgets::Budget"
    properties = frozenset({"Budget", "NotificationsWithSubscribers", "ResourceTags"})
    replacing = frozenset({"NotificationsWithSubscribers"})

    def create(self, context: ResourceContext, properties: Properties) -> Created:
        client = context.client("budgets")
        name = str(properties["Budget"].get("BudgetName") or context.physical_name(_LONGEST_NAME))
        call(
            client,
            "CreateBudget",
            AccountId=context.account,
            Budget={**properties["Budget"], "BudgetName": name},
            NotificationsWithSubscribers=properties.get("NotificationsWithSubscribers", []),
            ResourceTags=tag_list(properties, "ResourceTags"),
        )
        return self._created(name)

    def update(self, context: ResourceContext, physical_id: str, before: Properties, after: Properties) -> Created:
        if after["Budget"].get("BudgetName") != before["Budget"].get("BudgetName"):
            raise ReplacementNeededError("Budget.BudgetName can only be given to a new budget.")
        client = context.client("budgets")
        if before["Budget"] != after["Budget"]:
            wanted: dict[str, Any] = {**after["Budget"], "BudgetName": physical_id}
            call(client, "UpdateBudget", AccountId=context.account, NewBudget=wanted)
        gone, new = tag_changes(before, after, "ResourceTags")
        arn = f"arn:aws:budgets::{context.account}:budget/{physical_id}"
        if gone:
            client.untag_resource(ResourceARN=arn, ResourceTagKeys=gone)
        if new:
            client.tag_resource(ResourceARN=arn, ResourceTags=new)
        return self._created(physical_id)

    def delete(self, context: ResourceContext, physical_id: str, _properties: Properties) -> None:
        with passing_over("NotFoundException"):
            context.client("budgets").delete_budget(AccountId=context.account, BudgetName=physical_id)

    def _created(self, name: str) -> Created:
        return Created(name, {"Id": name})
