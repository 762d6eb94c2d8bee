"""What a node does for its cluster: gets ready, runs a bootstrap action or a step, and keeps the logs."""

import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.emr import service
from localcloud.emr.cluster import Cluster
from localcloud.emr.step import Step
from localcloud.host import Host
from localcloud.steps import commands, configuration, credentials, storage
from localcloud.steps.commands import NotRunnableError
from localcloud.steps.configuration import Configuration, Machine
from localcloud.steps.node import Node
from localcloud.steps.process import Order

Run = Callable[[Order], int]
LOGS = ("controller", "stdout", "stderr")
EXCEPTION = re.compile(r"^(?:Exception in thread .*?|Caused by: |)((?:[A-Za-z_][\w.]*\.)?\w*(?:Error|Exception)\b.*)$")


class Work:
    """The work of one cluster's primary node."""

    def __init__(self, cluster: Cluster, endpoint: str, folder: Path, host: Host) -> None:
        self._cluster = cluster
        self._endpoint = endpoint
        self._folder = folder
        self._node = Node(folder / "node", endpoint, cluster.region, host)

    @property
    def actions(self) -> Sequence[Mapping[str, Any]]:
        """The cluster's bootstrap actions."""
        return list(self._cluster.request.get("BootstrapActions", ()))

    def prepare(self) -> None:
        """Make the node and the configuration that EMR writes on it."""
        self._node.make()
        configuration.write(self._configuration, self._node.spark_configuration)

    def bootstrap(self, number: int, run: Run) -> int:
        """Run a bootstrap action; return its exit code."""
        action = self.actions[number - 1]["ScriptBootstrapAction"]
        folder = self._new_folder(f"bootstrap-actions/{number}")
        given = self._credentials()
        s3 = storage.client(self._endpoint, self._cluster.region, given)
        arguments = [self._node.place(word) for word in action.get("Args", ())]
        for asked, word in zip(action.get("Args", ()), arguments, strict=True):
            if asked != word:
                _say(folder / "controller", f"local cloud: replaced {asked} by {word}")
        code = 1
        try:
            script = storage.fetch(s3, action["Path"], _made(folder / "code"))
        except (BotoCoreError, ClientError) as error:
            _say(folder / "stderr", f"Failed to download {action['Path']}: {error}")
        else:
            _say(folder / "controller", f"INFO startExec '{script} {' '.join(arguments)}'")
            environment = self._node.environment(given, {}, folder / "tmp")
            code = run(Order(["bash", script, *arguments], environment, folder))
        _say(folder / "controller", f"INFO exit code {code}")
        self._put_logs(f"bootstrap-actions/{number}/", f"node/{self._cluster.primary}/")
        _clear(folder)
        return code

    def execute(self, step: Step, run: Run) -> tuple[int, Mapping[str, str]]:
        """Run a step; return its exit code and, where that is not 0, EMR's ``FailureDetails``."""
        folder = self._new_folder(f"steps/{step.id}")
        given = self._credentials()
        s3 = storage.client(self._endpoint, self._cluster.region, given)
        code = 1
        try:
            plan = commands.plan(step.jar, step.arguments)
            command = list(plan.command)
            for position in plan.fetched:
                command[position] = storage.fetch(s3, command[position], _made(folder / "code"))
        except NotRunnableError as error:
            _say(folder / "stderr", str(error))
        except (BotoCoreError, ClientError) as error:
            _say(folder / "stderr", f"Failed to download the code of the step: {error}")
        else:
            configured = self._configuration
            if command[0] == "spark-submit":
                for sentence in (*plan.replaced, *configured.replaced):
                    _say(folder / "controller", f"local cloud: replaced {sentence}")
                    _say(folder / "stderr", f"local cloud: replaced {sentence}")
            _say(folder / "controller", f"INFO startExec '{' '.join(command)}'")
            environment = self._node.environment(given, configured.environment, folder / "tmp")
            code = run(Order(command, environment, folder))
        _say(folder / "controller", f"INFO exit code {code}")
        return code, {} if code == 0 else self._failure(step, folder)

    def keep_logs(self, step: Step) -> None:
        """Upload the logs of a step, as a node does with its own role."""
        self._put_logs(f"steps/{step.id}/")

    def clear(self, step: Step) -> None:
        """Remove what a step left besides its logs."""
        _clear(self._folder_of(f"steps/{step.id}"))

    @property
    def _configuration(self) -> Configuration:
        classifications = self._cluster.request.get("Configurations", ())
        return configuration.configure(classifications, Machine.this(), self._node.place)

    def _folder_of(self, name: str) -> Path:
        return self._folder / name

    def _new_folder(self, name: str) -> Path:
        folder = self._folder_of(name)
        folder.mkdir(parents=True)
        for log in LOGS:
            (folder / log).touch()
        return folder

    def _credentials(self) -> Mapping[str, str]:
        role = service.role_of_profile(self._cluster.account, self._cluster.instance_profile)
        if role is None:
            raise LookupError(f"The instance profile {self._cluster.instance_profile} has no role any more.")
        return credentials.assume(self._endpoint, self._cluster.region, role, self._cluster.primary)

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
            s3 = storage.client(self._endpoint, self._cluster.region, self._credentials())
            storage.put_logs(s3, uri, self._folder_of(name), LOGS)
        except (BotoCoreError, ClientError, OSError, LookupError) as error:
            # EMR does not fail a step whose logs cannot be kept.
            sys.stderr.write(f"The logs in {uri} could not be kept: {error}\n")


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


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def _say(file: Path, line: str) -> None:
    with file.open("a") as log:
        log.write(line + "\n")
