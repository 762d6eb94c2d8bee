"""What walks the whole way in a test: the real commands, against a local cloud of the test's own."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from infra.aws.cdk import PROJECT, with_programs
from localcloud import client_maker, environment, state

REGION = "eu-west-1"
ACCOUNT = "123456789012"
SECONDS_AT_MOST = 300
"""A command that takes longer hangs."""


@dataclass
class Way:
    """Commands, and what the services say.

    Parameters
    ----------
    folder
        The test's own; the cloud's state lies in it.
    key
        Environment variables of the key that commands use instead of the administrator's; none to begin with.
    """

    folder: Path
    key: dict[str, str] = field(default_factory=dict)

    @cached_property
    def cloud(self) -> Path:
        """The local cloud's folder."""
        return state.default_folder(self._own)

    @property
    def variables(self) -> dict[str, str]:
        """The environment in which every call goes to the cloud that stands."""
        found = state.require(self.cloud)
        return with_programs(environment.applied(self._own, found.endpoint, REGION)) | self.key

    def orchard(self, *words: str, expect: int = 0) -> str:
        """Run a command of ours; return what it printed."""
        return self._run([sys.executable, "-m", "infra.cli", *words], PROJECT, expect)

    def cdk(self, *words: str, expect: int = 0) -> str:
        """Run the real ``cdk``; return what it printed."""
        outside = words[0] == "bootstrap"  # where there is no app, none is synthesised
        return self._run(["cdk", *words], self.folder if outside else PROJECT, expect)

    def bootstrap(self) -> None:
        """Prepare the account as its administrator does."""
        boundary = (PROJECT / "docs" / "policies" / "boundary.json").read_text()
        self.client("iam").create_policy(PolicyName="OrchardBoundary", PolicyDocument=boundary)
        self.cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}")

    def client(self, service: str) -> Any:
        """Return an administrator's client of a service."""
        return client_maker(state.require(self.cloud).endpoint, REGION)(service)

    def statuses(self) -> dict[str, str]:
        """Return each stack's state."""
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        return {stack["StackName"]: stack["StackStatus"] for stack in stacks}

    def bucket_names(self) -> list[str]:
        """Return the names of all buckets."""
        return [bucket["Name"] for bucket in self.client("s3").list_buckets()["Buckets"]]

    def outputs(self, stack: str) -> dict[str, str]:
        """Return a stack's outputs by name."""
        described = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        return {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}

    def cluster(self) -> Mapping[str, Any]:
        """Return EMR's description of the cluster that the stack declares."""
        identifier = self.outputs("OrchardCluster")["ClusterId"]
        described: Mapping[str, Any] = self.client("emr").describe_cluster(ClusterId=identifier)["Cluster"]
        return described

    def manifest(self, name: str) -> Mapping[str, Any]:
        """Return the manifest of a run, as the administrator reads it."""
        bucket = self.outputs("OrchardData")["DataBucket"]
        body = self.client("s3").get_object(Bucket=bucket, Key=f"results/{name}/manifest.json")["Body"]
        read: Mapping[str, Any] = json.load(body)
        return read

    def log(self, key: str) -> str:
        """Return a log of EMR's, as the administrator reads it."""
        bucket = self.outputs("OrchardData")["LogsBucket"]
        content = self.client("s3").get_object(Bucket=bucket, Key=f"emr/{key}")["Body"].read()
        return gzip.decompress(content).decode()

    @cached_property
    def _own(self) -> dict[str, str]:
        # What another CDK synthesises at the same time, or has left locked, must not be in the way.
        return {**os.environ, "XDG_STATE_HOME": str(self.folder / "state"), "CDK_OUTPUT": str(self.folder / "cdk.out")}

    def _run(self, command: Sequence[str], folder: Path, expect: int) -> str:
        variables = self.variables if state.find(self.cloud) else self._own
        ended = subprocess.run(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS_AT_MOST,
            check=False,
        )
        assert ended.returncode == expect, f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stdout}"
        return ended.stdout


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of the processes that carry a folder in theirs."""
    listed = subprocess.run(["ps", "-ww", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(folder) in line]
