#!/usr/bin/env python3
"""The CDK app: settings in, stacks out."""

import sys
from pathlib import Path

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.cdk_context import read_settings
from infra.emr.bootstrap import wheelhouse
from infra.settings import COST_TAG, Settings
from infra.stacks import AccessStack, BudgetStack, ClusterStack, DataStack
from job.errors import OrchardError, error_report


def declare(app: cdk.App, settings: Settings, libraries: Path) -> None:
    """Declare every stack of the environment."""
    env = cdk.Environment(region=settings.region)
    data = DataStack(app, "OrchardData", settings=settings, env=env)
    AccessStack(app, "OrchardAccess", settings=settings, buckets=(data.data, data.logs), env=env)
    budget = BudgetStack(app, "OrchardBudget", settings=settings, env=env) if settings.alert_email else None
    ClusterStack(
        app,
        "OrchardCluster",
        settings=settings,
        data=data.data,
        logs=data.logs,
        wheelhouse=libraries,
        alerts=budget.alerts if budget else None,
        env=env,
    )
    cdk.Tags.of(app).add(*COST_TAG)
    # Synthesis fails on every finding without an acknowledgement.
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))


def main() -> None:
    """Synthesize the environment of the CDK context; end with a short message if a setting is refused."""
    # The tests check every kind of environment against CloudFormation's rules; here that would take half of the time.
    app = cdk.App(builtin_cloud_formation_validation=False)
    try:
        settings = read_settings(app.node.get_all_context())
        declare(app, settings, wheelhouse.provide(settings.architecture, settings.optional_libraries))
        app.synth()
    except OrchardError as error:
        sys.stderr.write(error_report(error.message, error.hint, error.code))
        sys.exit(1)
    except KeyboardInterrupt:
        # The command that was interrupted says so itself.
        sys.exit(130)


if __name__ == "__main__":
    main()
