"""Events for EventBridge: changes of EMR's clusters and steps, and the rules that a schedule triggers."""

import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

from moto.events.models import events_backends

from localcloud import schedule
from localcloud.emr import service
from localcloud.emr.cluster import Cluster
from localcloud.emr.step import Step

SECONDS_BETWEEN_POLLS = 0.2

_SEVERITY = {"FAILED": "ERROR", "CANCELLED": "WARN", "TERMINATED_WITH_ERRORS": "CRITICAL"}

_log = logging.getLogger(__name__)


class Event(NamedTuple):
    """An event of EMR for the default event bus of an account and region."""

    account: str
    region: str
    kind: str
    detail: Mapping[str, Any]


class EventSource:
    """Sends events from ``start`` to ``stop``."""

    def __init__(
        self,
        clusters: Callable[[], Iterable[Cluster]] = service.all_clusters,
        clock: Callable[[], datetime] = service.now,
    ) -> None:
        self._clusters = clusters
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._states: dict[str, str] = {}
        self._fired: dict[str, datetime] = {}

    def start(self) -> None:
        """Send events in a new thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._thread.join()

    def poll(self) -> None:
        """Send the events since the last poll."""
        now = self._clock()
        for event in state_changes(self._clusters(), self._states, now):
            entry = {"Source": "aws.emr", "DetailType": event.kind, "Detail": json.dumps(event.detail)}
            events_backends[event.account][event.region].put_events([entry])
        self._fire(now)

    def _run(self) -> None:
        while not self._stopping.wait(SECONDS_BETWEEN_POLLS):
            try:
                self.poll()
            except Exception:  # noqa: BLE001 - a failed delivery must not stop later ones; it is logged
                _log.exception("Could not send events")

    def _fire(self, now: datetime) -> None:
        """Trigger the scheduled rules that are due; a rate counts from the first poll after the rule's creation."""
        for rule in _scheduled_rules():
            last = self._fired.setdefault(rule.arn, now)
            if rule.state != "DISABLED" and schedule.parse(rule.scheduled_expression)(last, now):
                self._fired[rule.arn] = now
                rule.send_to_targets({
                    "version": "0", "id": str(uuid4()), "detail-type": "Scheduled Event", "source": "aws.events",
                    "account": rule.created_by, "time": now.timestamp(), "region": rule.region_name,
                    "resources": [rule.arn], "detail": {},
                })  # fmt: skip


def state_changes(clusters: Iterable[Cluster], states: dict[str, str], now: datetime) -> Iterator[Event]:
    """Yield an event for each cluster and step whose state differs from ``states``, and update these."""
    for cluster in clusters:
        for step in list(cluster.steps):
            if states.get(step.id) != step.state:
                states[step.id] = step.state
                yield Event(cluster.account, cluster.region, "EMR Step Status Change", _step_detail(cluster, step, now))
        if states.get(cluster.id) != cluster.state:
            states[cluster.id] = cluster.state
            yield Event(cluster.account, cluster.region, "EMR Cluster State Change", _cluster_detail(cluster, now))


def _step_detail(cluster: Cluster, step: Step, now: datetime) -> dict[str, Any]:
    where = f"Amazon EMR cluster {cluster.id} ({cluster.request['Name']})"
    return {
        "severity": _SEVERITY.get(step.state, "INFO"),
        "actionOnFailure": step.action_on_failure,
        "stepId": step.id,
        "name": step.name,
        "clusterId": cluster.id,
        "state": step.state,
        "message": f"Step {step.id} ({step.name}) in {where} is {step.state} at {now:%Y-%m-%d %H:%M} UTC.",
    }


def _cluster_detail(cluster: Cluster, now: datetime) -> dict[str, Any]:
    code, message = cluster.reason.get("Code", ""), cluster.reason.get("Message", "")
    where = f"Amazon EMR cluster {cluster.id} ({cluster.request['Name']})"
    return {
        "severity": _SEVERITY.get(cluster.state, "INFO"),
        "stateChangeReason": json.dumps({"code": code, "message": message} if code else {"message": message}),
        "name": cluster.request["Name"],
        "clusterId": cluster.id,
        "state": cluster.state,
        "message": f"{where} is {cluster.state} at {now:%Y-%m-%d %H:%M} UTC: {message}",
    }


def _scheduled_rules() -> list[Any]:
    return [
        rule
        for account in list(events_backends.values())
        for backend in list(account.values())
        for rule in list(backend.event_buses["default"].rules.values())
        if rule.scheduled_expression
    ]
