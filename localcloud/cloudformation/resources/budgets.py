"""Budgets: how much may be spent, and who is told."""

from typing import Any

from localcloud.cloudformation.resource import Made, Place, Properties, ReplacementNeededError
from localcloud.cloudformation.resources.naming import physical_name
from localcloud.cloudformation.resources.requests import passing_over, request
from localcloud.cloudformation.resources.tagging import tag_changes, tag_list

_LONGEST_NAME = 100


class Budget:
    """A budget with its alerts."""

    name = "AWS::Budgets::Budget"
    properties = frozenset({"Budget", "NotificationsWithSubscribers", "ResourceTags"})
    replacing = frozenset({"NotificationsWithSubscribers"})

    def create(self, place: Place, properties: Properties) -> Made:
        """Make the budget and its alerts."""
        client = place.client("budgets")
        name = str(properties["Budget"].get("BudgetName") or physical_name(place, _LONGEST_NAME))
        parameters = request(
            client,
            "CreateBudget",
            AccountId=place.account,
            Budget={**properties["Budget"], "BudgetName": name},
            NotificationsWithSubscribers=properties.get("NotificationsWithSubscribers", []),
            ResourceTags=tag_list(properties, "ResourceTags"),
        )
        client.create_budget(**parameters)
        return self._made(name)

    def update(self, place: Place, physical_id: str, before: Properties, after: Properties) -> Made:
        """Change limit, period and filters, and the tags."""
        if after["Budget"].get("BudgetName") != before["Budget"].get("BudgetName"):
            raise ReplacementNeededError("Budget.BudgetName can only be given to a new budget.")
        client = place.client("budgets")
        if before["Budget"] != after["Budget"]:
            wanted: dict[str, Any] = {**after["Budget"], "BudgetName": physical_id}
            client.update_budget(**request(client, "UpdateBudget", AccountId=place.account, NewBudget=wanted))
        gone, new = tag_changes(before, after, "ResourceTags")
        arn = f"arn:aws:budgets::{place.account}:budget/{physical_id}"
        if gone:
            client.untag_resource(ResourceARN=arn, ResourceTagKeys=gone)
        if new:
            client.tag_resource(ResourceARN=arn, ResourceTags=new)
        return self._made(physical_id)

    def delete(self, place: Place, physical_id: str, _properties: Properties) -> None:
        """Remove the budget with its alerts."""
        with passing_over("NotFoundException"):
            place.client("budgets").delete_budget(AccountId=place.account, BudgetName=physical_id)

    def _made(self, name: str) -> Made:
        return Made(name, {"Id": name})
