"""Budgets: moto cannot change a budget, drops its tags, and does not list the subscribers of its alerts.

UpdateBudget, TagResource, UntagResource, ListTagsForResource and DescribeSubscribersForNotification answer "not
implemented". The tags are kept on moto's own budget, so that they end with it.
"""

import json
from collections.abc import Mapping

from moto.budgets.exceptions import NotFoundException
from moto.budgets.models import Budget
from moto.budgets.responses import BudgetsResponse

from localcloud.moto_patches import Replace

_Tags = dict[str, str]


def apply(replace: Replace) -> None:
    """Answer the operations that moto does not, and keep the tags of a new budget."""
    make = BudgetsResponse.create_budget

    def create_budget(self: BudgetsResponse) -> str:
        answer = make(self)
        budget = _budget(self, self._get_param("AccountId"), self._get_param("Budget")["BudgetName"])
        _tags(budget).update(_mapping(self._get_param("ResourceTags", [])))
        return answer

    replace(BudgetsResponse, "create_budget", create_budget)
    replace(BudgetsResponse, "update_budget", _update_budget)
    replace(BudgetsResponse, "tag_resource", _tag_resource)
    replace(BudgetsResponse, "untag_resource", _untag_resource)
    replace(BudgetsResponse, "list_tags_for_resource", _list_tags_for_resource)
    replace(BudgetsResponse, "describe_subscribers_for_notification", _describe_subscribers)


def _update_budget(self: BudgetsResponse) -> str:
    new = self._get_param("NewBudget")
    budget = _budget(self, self._get_param("AccountId"), new["BudgetName"])
    # A budget keeps its period where none is given.
    budget.budget = Budget({"TimePeriod": budget.budget["TimePeriod"], **new}, []).budget
    return "{}"


def _tag_resource(self: BudgetsResponse) -> str:
    _tags(_budget_of_arn(self)).update(_mapping(self._get_param("ResourceTags")))
    return "{}"


def _untag_resource(self: BudgetsResponse) -> str:
    tags = _tags(_budget_of_arn(self))
    for key in self._get_param("ResourceTagKeys"):
        tags.pop(key, None)
    return "{}"


def _list_tags_for_resource(self: BudgetsResponse) -> str:
    tags = _tags(_budget_of_arn(self))
    return json.dumps({"ResourceTags": [{"Key": key, "Value": value} for key, value in tags.items()]})


def _describe_subscribers(self: BudgetsResponse) -> str:
    budget = _budget(self, self._get_param("AccountId"), self._get_param("BudgetName"))
    wanted = self._get_param("Notification")
    found = [each.subscribers for each in budget.notifications if each.details == wanted]
    if not found:
        raise NotFoundException("Unable to get subscribers - the notification doesn't exist.")
    return json.dumps({"Subscribers": found[0]})


def _budget_of_arn(self: BudgetsResponse) -> Budget:
    parts = self._get_param("ResourceARN").split(":")
    return _budget(self, parts[4], parts[5].removeprefix("budget/"))


def _budget(self: BudgetsResponse, account: str, name: str) -> Budget:
    budgets = self.backend.budgets[account]
    if name not in budgets:
        raise NotFoundException(f"Unable to get budget: {name} - the budget doesn't exist.")
    return budgets[name]


def _tags(budget: Budget) -> _Tags:
    tags: _Tags = vars(budget).setdefault("localcloud_tags", {})
    return tags


def _mapping(tags: list[Mapping[str, str]]) -> _Tags:
    return {tag["Key"]: tag["Value"] for tag in tags}
