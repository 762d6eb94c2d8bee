"""A step of a cluster: what it runs, and its states."""

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

ACTIVE_STATES = ("RUNNING", "CANCEL_PENDING")


def new_id(prefix: str) -> str:
    """Return an id in EMR's form, such as ``s-1XC6KMXYFHXJR`` for the prefix ``s``."""
    return f"{prefix}-{''.join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(13))}"


@dataclass
class Step:
    """One step.

    ``configuration`` is a ``StepConfig`` of the API, ``failure`` its ``FailureDetails`` and ``cancellation`` a
    ``StepCancellationOption``, empty unless it is being cancelled.
    """

    configuration: Mapping[str, Any]
    created: datetime
    id: str = field(default_factory=lambda: new_id("s"))
    state: str = "PENDING"
    message: str = ""
    failure: Mapping[str, str] = field(default_factory=dict)
    cancellation: str = ""
    started: datetime | None = None
    ended: datetime | None = None

    @property
    def name(self) -> str:
        """The step's name."""
        return str(self.configuration["Name"])

    @property
    def action_on_failure(self) -> str:
        """Effect of a failure on the cluster; EMR's old name TERMINATE_JOB_FLOW is returned as the new one."""
        action = self.configuration.get("ActionOnFailure", "CONTINUE")
        return "TERMINATE_CLUSTER" if action == "TERMINATE_JOB_FLOW" else str(action)

    @property
    def jar(self) -> str:
        """URI of the jar."""
        return str(self.configuration["HadoopJarStep"]["Jar"])

    @property
    def arguments(self) -> list[str]:
        """The jar's arguments: for ``command-runner.jar``, a command."""
        return list(self.configuration["HadoopJarStep"].get("Args", ()))

    def start(self, now: datetime) -> None:
        """Enter the state RUNNING."""
        self.state, self.started = "RUNNING", now

    def end(self, state: str, now: datetime, message: str = "", failure: Mapping[str, str] | None = None) -> None:
        """Enter a final state."""
        self.state, self.ended, self.message, self.failure = state, now, message, failure or {}

    def described(self) -> dict[str, Any]:
        """Return the API's ``Step``, which is also its ``StepSummary``."""
        jar = self.configuration["HadoopJarStep"]
        config = {
            "Jar": self.jar,
            "Args": self.arguments,
            "Properties": {each["Key"]: each.get("Value", "") for each in jar.get("Properties", ())},
            **({"MainClass": jar["MainClass"]} if "MainClass" in jar else {}),
        }
        timeline = {"CreationDateTime": self.created, "StartDateTime": self.started, "EndDateTime": self.ended}
        status = {
            "State": self.state,
            "StateChangeReason": {"Message": self.message} if self.message else {},
            "Timeline": {name: moment for name, moment in timeline.items() if moment is not None},
            **({"FailureDetails": dict(self.failure)} if self.failure else {}),
        }
        return {
            "Id": self.id,
            "Name": self.name,
            "Config": config,
            "ActionOnFailure": self.action_on_failure,
            "Status": status,
        }
