"""The work of a node: prepares itself, runs bootstrap actions and steps, and uploads their logs."""

import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.clients import client
from localcloud.emr import service
from localcloud.emr.cluster import Cluster
from localcloud.emr.step import Step
from localcloud.runtime import Runtime
from localcloud.steps import commands, configuration, storage
from localcloud.steps.commands import NotRunnableError
from localcloud.steps.configuration import Configuration, Machine
from localcloud.steps.node import Node
from localcloud.steps.process import Order

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EXCEPTION = re.compile(r"^(?:Exception in thread .*?|Caused by: |)((?:[A-Za-z_][\w.]*\.)?\w*(?:Error|Exception)\b.*)$")


class Work:
    """The work of one cluster's primary node."""

    def __init__(self, cluster: Cluster, endpoint: str, folder: Path, runtime: Runtime) -> None:
        self._cluster = cluster
        self._endpoint = endpoint
        self._folder = folder
        self._node = Node(folder / "node", endpoint, cluster.region, runtime)

    @property
    def actions(self) -> Sequence[Mapping[str, Any]]:
        """The cluster's bootstrap actions."""
        return list(self._cluster.request.get("BootstrapActions", ()))

    def prepare(self) -> None:
        """Create the node and its Spark configuration."""
        self._node.make()
        configuration.write(self._configuration, self._node.spark_configuration)

    def bootstrap_order(self, number: int) -> Order | None:
        """Return how to run a bootstrap action, counted from 1; None if its script cannot be downloaded."""
        action = self.actions[number - 1]["ScriptBootstrapAction"]
        folder = self._new_folder(f"bootstrap-actions/{number}")
        key = self._credentials()
        arguments = [self._node.place(word) for word in action.get("Args", ())]
        for asked, word in zip(action.get("Args", ()), arguments, strict=True):
            if asked != word:
                _log(folder / "controller", f"local cloud: replaced {asked} by {word}")
        try:
            script = storage.fetch(self._s3(key), action["Path"], _created(folder / "code"))
        except (BotoCoreError, ClientError) as error:
            _log(folder / "stderr", f"Failed to download {action['Path']}: {error}")
            return None
        _log(folder / "controller", f"INFO startExec '{script} {' '.join(arguments)}'")
        return Order(["bash", script, *arguments], self._node.environment(key, {}, folder / "tmp"), folder)

    def end_bootstrap(self, number: int, code: int) -> None:
        """Upload the logs of a bootstrap action that ended with an exit code."""
        name = f"bootstrap-actions/{number}"
        _log(self._folder / name / "controller", f"INFO exit code {code}")
        self._put_logs(f"{name}/", f"node/{self._cluster.primary}/")
        _clear(self._folder / name)

    def step_order(self, step: Step) -> Order | None:
        """Return how to run a step; None if that is impossible, which its log explains."""
        folder = self._new_folder(f"steps/{step.id}")
        key = self._credentials()
        try:
            plan = commands.plan(step.jar, step.arguments)
            command = list(plan.command)
            for position in plan.fetched:
                command[position] = storage.fetch(self._s3(key), command[position], _created(folder / "code"))
        except NotRunnableError as error:
            _log(folder / "stderr", str(error))
            return None
        except (BotoCoreError, ClientError) as error:
            _log(folder / "stderr", f"Failed to download the code of the step: {error}")
            return None
        configured = self._configuration
        if command[0] == "spark-submit":
            for sentence in (*plan.replaced, *configured.replaced):
                _log(folder / "controller", f"local cloud: replaced {sentence}")
                _log(folder / "stderr", f"local cloud: replaced {sentence}")
        _log(folder / "controller", f"INFO startExec '{' '.join(command)}'")
        return Order(command, self._node.environment(key, configured.environment, folder / "tmp"), folder)

    def end_step(self, step: Step, code: int) -> Mapping[str, str]:
        """Log the exit code of a step; return EMR's ``FailureDetails``, empty if it succeeded."""
        folder = self._folder / "steps" / step.id
        _log(folder / "controller", f"INFO exit code {code}")
        return {} if code == 0 else self._failure(step, folder)

    def keep_logs(self, step: Step) -> None:
        """Upload the logs of a step with the node's role."""
        self._put_logs(f"steps/{step.id}/")

    def clear(self, step: Step) -> None:
        """Delete a step's files except its logs."""
        _clear(self._folder / "steps" / step.id)

    @property
    def _configuration(self) -> Configuration:
        classifications = self._cluster.request.get("Configurations", ())
        return configuration.configure(classifications, Machine.this(), self._node.place)

    def _new_folder(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir(parents=True)
        for log in storage.LOGS:
            (folder / log).touch()
        return folder

    def _credentials(self) -> Mapping[str, str]:
        role = service.role_of_profile(self._cluster.account, self._cluster.instance_profile)
        if role is None:
            raise LookupError(f"Instance profile {self._cluster.instance_profile} has no role.")
        return storage.assume_role(self._endpoint, self._cluster.region, role, self._cluster.primary)

    def _s3(self, key: Mapping[str, str]) -> "S3Client":
        s3: S3Client = client("s3", self._endpoint, self._cluster.region, key)
        return s3

    def _failure(self, step: Step, folder: Path) -> Mapping[str, str]:
        found = last_exception((folder / "stderr").read_text(errors="replace"))
        uri = self._cluster.log_uri
        return {
            "Reason": "Unknown Error.",
            **({"Message": found} if found else {}),
            **({"LogFile": f"{uri}{self._cluster.id}/steps/{step.id}/stderr.gz"} if uri else {}),
        }

    def _put_logs(self, name: str, above: str = "") -> None:
        if not self._cluster.log_uri:
            return
        uri = f"{self._cluster.log_uri}{self._cluster.id}/{above}{name}"
        try:
            storage.put_logs(self._s3(self._credentials()), uri, self._folder / name)
        except (BotoCoreError, ClientError, OSError, LookupError) as error:
            # EMR does not fail a step whose logs cannot be uploaded.
            sys.stderr.write(f"Could not upload logs to {uri}: {error}\n")


def last_exception(text: str) -> str:
    """Return the last line of a log that names an exception, empty if there is none."""
    for line in reversed(text.splitlines()):
        match = EXCEPTION.match(line.strip())
        if match:
            return match.group(1)
    return ""


def _clear(folder: Path) -> None:
    for name in ("tmp", "code"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _created(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def _log(file: Path, line: str) -> None:
    with file.open("a") as log:
        log.write(line + "\n")
