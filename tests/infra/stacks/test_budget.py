"""OrchardBudget warns in time, and says what it counts."""

from infra.stacks.budget import scope_sentence
from tests.error_report import values
from tests.infra.synthesis import Synthesise

STACK = "OrchardBudget"
ADDRESS = "owner@example.org"


def test_without_an_address_there_is_no_budget(environment: Synthesise) -> None:
    assert STACK not in environment().stacks()


def test_the_budget_is_monthly_and_of_the_sum_that_was_set(environment: Synthesise) -> None:
    budget = environment(alert_email=ADDRESS, monthly_budget=20).only(STACK, "AWS::Budgets::Budget")["Budget"]
    assert budget == {
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": 20, "Unit": "USD"},
    }


def test_alerts_at_50_80_and_100_percent_and_on_the_forecast(environment: Synthesise) -> None:
    budget = environment(alert_email=ADDRESS).only(STACK, "AWS::Budgets::Budget")
    alerts = [found["Notification"] for found in budget["NotificationsWithSubscribers"]]
    assert [(alert["NotificationType"], alert["Threshold"], alert["ThresholdType"]) for alert in alerts] == [
        ("ACTUAL", 50, "PERCENTAGE"),
        ("ACTUAL", 80, "PERCENTAGE"),
        ("ACTUAL", 100, "PERCENTAGE"),
        ("FORECASTED", 100, "PERCENTAGE"),
    ]


def test_every_alert_goes_to_the_address(environment: Synthesise) -> None:
    budget = environment(alert_email=ADDRESS).only(STACK, "AWS::Budgets::Budget")
    assert [found["Subscribers"] for found in budget["NotificationsWithSubscribers"]] == [
        [{"SubscriptionType": "EMAIL", "Address": ADDRESS}]
    ] * 4


def test_once_the_tag_is_active_only_this_project_counts(environment: Synthesise) -> None:
    budget = environment(alert_email=ADDRESS, cost_tag_active=True).only(STACK, "AWS::Budgets::Budget")
    assert budget["Budget"]["CostFilters"] == {"TagKeyValue": ["user:project$orchard"]}


def test_the_stack_says_that_it_counts_the_whole_account(
    environment: Synthesise,
) -> None:
    outputs = environment(alert_email=ADDRESS).template(STACK)["Outputs"]
    said = outputs["BudgetCounts"]["Value"]
    status = "--cost-allocation-tags-status TagKey=project,Status=Active"
    assert f"(aws ce update-cost-allocation-tags-status {status})" in said
    assert said.endswith(" -c cost_tag_active=true.")


def test_with_the_tag_active_it_says_so() -> None:
    assert values(scope_sentence(cost_tag_active=True)) == ["project=orchard"]
