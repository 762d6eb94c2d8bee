"""Budgets: gaps of stock moto, and their patches."""

# ruff: noqa: F811 - the fixtures of the resource types

from typing import Any

import pytest

from localcloud.cloudformation.resource import Created, ReplacementNeededError, ResourceContext
from localcloud.cloudformation.resources.budgets import Budget
from localcloud.moto_patches import budgets
from tests.localcloud.cloudformation.resources.conftest import ACCOUNT, Client, aws, context, tags  # noqa: F401 - fixtures
from tests.localcloud.moto_patches.in_process import apply

ALERT: dict[str, Any] = {
    "Notification": {
        "NotificationType": "ACTUAL",
        "ComparisonOperator": "GREATER_THAN",
        "Threshold": "80",
        "ThresholdType": "PERCENTAGE",
    },
    "Subscribers": [{"SubscriptionType": "EMAIL", "Address": "owner@example.org"}],
}


BUDGET: dict[str, Any] = {
    "Budget": {
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": 50, "Unit": "USD"},
        "CostFilters": {"TagKeyValue": ["user:project$orchard"]},
    },
    "NotificationsWithSubscribers": [ALERT],
    "ResourceTags": tags(project="orchard"),
}


def changed(**parts: object) -> dict[str, Any]:
    return BUDGET | {"Budget": BUDGET["Budget"] | parts}


def arn_of(budget: Created) -> str:
    return f"arn:aws:budgets::{ACCOUNT}:budget/{budget.physical_id}"


def test_stock_moto_cannot_change_budgets_or_list_subscribers(aws: Client, context: ResourceContext) -> None:
    made = Budget().create(context, BUDGET)
    of = {"AccountId": ACCOUNT, "BudgetName": made.physical_id}
    for call in (
        lambda: Budget().update(context, made.physical_id, BUDGET, changed(BudgetLimit={"Amount": 1, "Unit": "USD"})),
        lambda: aws("budgets").list_tags_for_resource(ResourceARN=arn_of(made)),
        lambda: aws("budgets").describe_subscribers_for_notification(
            **of, Notification={**ALERT["Notification"], "Threshold": 80}
        ),
    ):
        with pytest.raises(NotImplementedError):
            call()


def test_a_budget_is_made_changed_and_removed(
    aws: Client, context: ResourceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(monkeypatch, budgets)
    client = aws("budgets")

    made = Budget().create(context, BUDGET)

    of = {"AccountId": ACCOUNT, "BudgetName": made.physical_id}
    found = client.describe_budget(**of)["Budget"]
    assert made.physical_id.startswith("Orchard-Thing-")
    assert found["BudgetLimit"] == {"Amount": "50", "Unit": "USD"}
    assert (found["BudgetType"], found["TimeUnit"]) == ("COST", "MONTHLY")
    assert found["CostFilters"] == {"TagKeyValue": ["user:project$orchard"]}
    (notification,) = client.describe_notifications_for_budget(**of)["Notifications"]
    assert (notification["Threshold"], notification["NotificationType"]) == (80, "ACTUAL")
    subscribers = client.describe_subscribers_for_notification(**of, Notification=notification)["Subscribers"]
    assert subscribers == ALERT["Subscribers"]
    assert client.list_tags_for_resource(ResourceARN=arn_of(made))["ResourceTags"] == tags(project="orchard")
    after = changed(BudgetLimit={"Amount": 80, "Unit": "USD"}) | {"ResourceTags": tags(owner="me")}
    assert Budget().update(context, made.physical_id, BUDGET, after).physical_id == made.physical_id
    again = client.describe_budget(**of)["Budget"]
    assert (again["BudgetLimit"]["Amount"], again["TimePeriod"]) == ("80", found["TimePeriod"])
    assert len(client.describe_notifications_for_budget(**of)["Notifications"]) == 1
    assert client.list_tags_for_resource(ResourceARN=arn_of(made))["ResourceTags"] == tags(owner="me")
    Budget().delete(context, made.physical_id, after)
    Budget().delete(context, made.physical_id, after)
    assert client.describe_budgets(AccountId=ACCOUNT)["Budgets"] == []


def test_a_budget_with_another_name_is_another_budget(context: ResourceContext) -> None:
    with pytest.raises(ReplacementNeededError):
        Budget().update(context, "old", changed(BudgetName="old"), changed(BudgetName="new"))
