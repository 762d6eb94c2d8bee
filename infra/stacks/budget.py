"""OrchardBudget: a monthly budget, and the topic of the cluster's alerts, which mail one address."""

import aws_cdk as cdk
from aws_cdk import aws_budgets as budgets
from constructs import Construct

from infra.settings import COST_TAG, Settings
from infra.stacks.alerts import alert_topic

ALERTS = (("ACTUAL", 50), ("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100))
"""Kind of cost, and percentage of the budget at which a mail is sent."""
ACTIVATION = (
    f"aws ce update-cost-allocation-tags-status --cost-allocation-tags-status TagKey={COST_TAG[0]},Status=Active"
)

_Budget = budgets.CfnBudget


class BudgetStack(cdk.Stack):
    """One budget with its alerts.

    Attributes
    ----------
    alerts
        Topic that mails what OrchardCluster reports. It outlives clusters, because AWS asks the address to confirm it.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, env: cdk.Environment) -> None:
        super().__init__(scope, construct_id, env=env, description="Orchard: monthly budget and alerts")
        cost_filters = {"TagKeyValue": [f"user:{COST_TAG[0]}${COST_TAG[1]}"]} if settings.cost_tag_active else None
        _Budget(
            self,
            "Monthly",
            budget=_Budget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=_Budget.SpendProperty(amount=settings.monthly_budget, unit="USD"),
                cost_filters=cost_filters,
            ),
            notifications_with_subscribers=[
                _Budget.NotificationWithSubscribersProperty(
                    notification=_Budget.NotificationProperty(
                        notification_type=kind,
                        comparison_operator="GREATER_THAN",
                        threshold=percentage,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[_Budget.SubscriberProperty(subscription_type="EMAIL", address=settings.alert_email)],
                )
                for kind, percentage in ALERTS
            ],
        )
        self.alerts = alert_topic(self, settings.alert_email)
        cdk.CfnOutput(self, "BudgetCounts", value=scope_sentence(cost_tag_active=settings.cost_tag_active))


def scope_sentence(*, cost_tag_active: bool) -> str:
    """Return what the budget counts, and how to have it count this project alone."""
    key, value = COST_TAG
    if cost_tag_active:
        return f"The budget counts what is tagged {key}={value}."
    return (
        "The budget counts the whole account. To count this project alone, activate the cost-allocation tag "
        f"a day after the first deploy ({ACTIVATION}), then deploy with -c cost_tag_active=true."
    )
