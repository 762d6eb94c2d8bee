"""Requests for clusters, and clusters made from them, for tests."""

from datetime import datetime, timedelta
from typing import Any

from infra.emr.classifications import Classification
from localcloud.emr.cluster import Cluster

BEGIN = datetime(2026, 11, 21, 12, 0, 0)


def after(seconds: float) -> datetime:
    """Return the time so many seconds after a cluster was asked for."""
    return BEGIN + timedelta(seconds=seconds)


def fleet(kind: str, on_demand: int = 1, spot: int = 0) -> dict[str, Any]:
    """Return an ``InstanceFleetConfig``."""
    return {
        "Name": kind.lower(),
        "InstanceFleetType": kind,
        "TargetOnDemandCapacity": on_demand,
        "TargetSpotCapacity": spot,
        "InstanceTypeConfigs": [{"InstanceType": "m6i.xlarge"}],
    }


def request(*steps: dict[str, Any], keep: bool = True, **more: Any) -> dict[str, Any]:
    """Return a request for a cluster with a primary, a core and a Spot node."""
    return {
        "Name": "orchard-1",
        "ReleaseLabel": "emr-7.14.0",
        "JobFlowRole": "node",
        "ServiceRole": "service",
        "Instances": {
            "KeepJobFlowAliveWhenNoSteps": keep,
            "InstanceFleets": [fleet("MASTER"), fleet("CORE"), fleet("TASK", 0, 1)],
        },
        "Steps": list(steps),
        **more,
    }


def step(name: str, action: str = "CONTINUE", *command: str) -> dict[str, Any]:
    """Return a ``StepConfig`` that runs a command."""
    return {
        "Name": name,
        "ActionOnFailure": action,
        "HadoopJarStep": {"Jar": "command-runner.jar", "Args": list(command or ("true",))},
    }


def described(classification: Classification) -> dict[str, Any]:
    """Return a classification as the API has it."""
    return {
        "Classification": classification.name,
        "Properties": classification.properties,
        "Configurations": [described(inner) for inner in classification.nested],
    }


def cluster(*steps: dict[str, Any], keep: bool = True, **more: Any) -> Cluster:
    """Return a cluster that was asked for at the beginning."""
    return Cluster(request(*steps, keep=keep, **more), "123456789012", "eu-west-3", BEGIN)


def ready(*steps: dict[str, Any], keep: bool = True, **more: Any) -> Cluster:
    """Return a cluster that takes steps, ten seconds after the beginning."""
    made = cluster(*steps, keep=keep, **more)
    made.bootstrap()
    made.become_ready(after(10))
    return made
