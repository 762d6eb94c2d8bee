"""A cluster's primary node on this machine: a folder, and the environment of its commands.

Paths of a node are below that folder (``/opt/python`` is ``FOLDER/opt/python``), because nothing outside it may be
changed and two clusters must not share it. On a cluster, PySpark belongs to the release, and spark-submit takes it from
``SPARK_HOME``. The same happens here, so that a step's interpreter sees nothing of the local cloud's own environment.
"""

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localcloud.runtime import Runtime

PACKAGE_ROOT = Path(__file__).resolve().parents[2]
NODE_FOLDERS = ("/opt/", "/mnt/", "/home/hadoop/")
"""Folders of a node's file system; every other path is this machine's."""

COMPILE_QUICKLY = "-XX:TieredStopAtLevel=1"
"""For Java: its second, thorough compiler would take the processors from a step that lasts a minute."""


@dataclass(frozen=True)
class Node:
    """The primary node of a cluster; ``root`` replaces its ``/``."""

    root: Path
    endpoint: str
    region: str
    runtime: Runtime

    def place(self, value: str) -> str:
        """Return a path on a node as one on this machine, anything else unchanged."""
        if value == self.runtime.node_python:
            return os.path.realpath(sys.executable)
        return f"{self.root}{value}" if value.startswith(NODE_FOLDERS) else value

    @property
    def spark_configuration(self) -> Path:
        """Folder of ``spark-defaults.conf``."""
        return self.root / "etc" / "spark" / "conf"

    def make(self) -> None:
        """Create the folders and commands of an EMR node."""
        commands = self.root / "bin"
        for folder in (commands, self.root / "home" / "hadoop", self.spark_configuration):
            folder.mkdir(parents=True, exist_ok=True)
        _make_command(
            commands / "aws",
            f"import sys; sys.path.insert(0, {str(PACKAGE_ROOT)!r}); "
            "from localcloud.steps.aws_command import main; sys.exit(main(sys.argv[1:]))",
        )
        if self.runtime.spark_home:
            (commands / "spark-submit").symlink_to(Path(self.runtime.spark_home) / "bin" / "spark-submit")

    def environment(self, credentials: Mapping[str, str], exported: Mapping[str, str], work: Path) -> dict[str, str]:
        """Return all environment variables of a command; none come from the cloud's own environment."""
        work.mkdir(parents=True, exist_ok=True)
        return {
            "PATH": os.pathsep.join([str(self.root / "bin"), os.defpath, "/usr/local/bin"]),
            "HOME": str(self.root / "home" / "hadoop"),
            "LANG": "C.UTF-8",
            "TMPDIR": str(work),
            "SPARK_LOCAL_DIRS": str(work),
            "SPARK_HOME": self.runtime.spark_home,
            "SPARK_CONF_DIR": str(self.spark_configuration),
            "SPARK_LOCAL_IP": "127.0.0.1",
            # Write nothing to the machine's /tmp, where a killed Java would leave it.
            "SPARK_SUBMIT_OPTS": f"-Djava.io.tmpdir={work} -XX:-UsePerfData {COMPILE_QUICKLY}",
            "SPARK_LAUNCHER_OPTS": COMPILE_QUICKLY,
            "JAVA_HOME": self.runtime.java_home,
            "PYSPARK_PYTHON": os.path.realpath(sys.executable),
            **exported,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            **credentials,
        }


def _make_command(file: Path, code: str) -> None:
    # Through a shell, because a script's first line may be shorter than the interpreter's path.
    file.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -c {shlex.quote(code)} "$@"\n')
    file.chmod(0o755)
