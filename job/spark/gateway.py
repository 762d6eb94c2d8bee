"""Start Spark's Java process on this machine early, and connect to it when Spark is needed.

PySpark's way is a script that starts one Java to build the command of another, and a look ten times a second whether
that one is ready. Here Java starts while Python goes on: docs/decisions/0153-java-starts-early.md.
"""

import os
import shlex
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pyspark
from pyspark import SparkContext
from pyspark.java_gateway import launch_gateway

SPARK = Path(pyspark.__file__).parent

CONFIGURATION = SPARK / "conf"
"""Folder of settings that Spark's script reads; PySpark from PyPI has none."""

SET_BY_SCRIPT = {"SPARK_HOME": str(SPARK), "SPARK_SCALA_VERSION": "2.12", "PYTHONHASHSEED": "0"}
"""Environment variables that Spark's own script sets for Java, the executors of a local-cluster and Python workers."""

ADDRESS_FILE = "_PYSPARK_DRIVER_CONN_INFO_PATH"
"""Environment variable: the file that Java writes its port and its secret to, as soon as it is ready."""

PORT, SECRET = "PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET"
"""Environment variables: the Java that PySpark connects to, in place of starting one."""

EXTRA_OPTIONS = "SPARK_SUBMIT_OPTS"
"""Environment variable: further options of Java, as for Spark's own scripts."""

CHECKED_EVERY = 0.005
"""Seconds between two looks whether Java is ready."""

OPENED = (
    *("java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util"),
    *("java.util.concurrent", "java.util.concurrent.atomic", "jdk.internal.ref", "sun.nio.ch", "sun.nio.cs"),
    *("sun.security.action", "sun.util.calendar"),
)
"""Packages of Java's base module that Spark looks into."""

MODULE_OPTIONS = (
    "-XX:+IgnoreUnrecognizedVMOptions",
    *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED),
    "--add-opens=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
    "-Djdk.reflect.useDirectMethodHandle=false",
)
"""What Spark's own script adds, in its order: its class JavaModuleOptions."""


def command(settings: Mapping[str, str], environment: Mapping[str, str]) -> list[str]:
    """Return the command of a Java that waits for PySpark, with the options that Spark's script would give it.

    Parameters
    ----------
    settings
        Of Spark, with ``spark.driver.memory`` and ``spark.driver.extraJavaOptions``.

    Raises
    ------
    ValueError
        If a quotation mark in ``EXTRA_OPTIONS`` has no other.
    """
    return [
        str(Path(environment["JAVA_HOME"], "bin", "java")),
        *("-cp", f"{CONFIGURATION}:{SPARK / 'jars'}/*"),
        *shlex.split(environment.get(EXTRA_OPTIONS, "")),
        f"-Xmx{settings['spark.driver.memory']}",
        *shlex.split(settings["spark.driver.extraJavaOptions"]),
        *MODULE_OPTIONS,
        "org.apache.spark.api.python.PythonGatewayServer",
    ]


class Java:
    """A Java process that starts while Python goes on, and that PySpark uses after ``connect``.

    Raises
    ------
    OSError, ValueError
        If it cannot be started.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        words = command(settings, os.environ)
        self._folder = Path(tempfile.mkdtemp(prefix="orchard-java-"))
        self._address, self._connected = self._folder / "address", False
        self.process = subprocess.Popen(
            words,
            # Java ends when this pipe does.
            stdin=subprocess.PIPE,
            env={**os.environ, **SET_BY_SCRIPT, ADDRESS_FILE: str(self._address)},
            # Ctrl-C is for Python, which ends Spark in order.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509 - as PySpark does
        )

    def connect(self) -> None:
        """Make PySpark use this Java; wait until it is ready.

        Raises
        ------
        RuntimeError
            If Java has ended, or cannot say where it listens.
        """
        while not self._address.is_file():
            if self.process.poll() is not None:
                raise RuntimeError(f"Java ended with exit code {self.process.returncode}")
            if not self._folder.is_dir():
                raise RuntimeError(f"something has deleted {self._folder}, in which Java writes its address")
            time.sleep(CHECKED_EVERY)
        content = self._address.read_bytes()
        port, length = struct.unpack_from("!ii", content)
        address = {PORT: str(port), SECRET: content[8 : 8 + length].decode()}
        os.environ.update(address)
        try:
            connection: Any = launch_gateway()  # type: ignore[no-untyped-call]
        finally:
            for name in address:
                del os.environ[name]
        connection.proc = self.process
        self._connected = True
        SparkContext._ensure_initialized(gateway=connection)
        shutil.rmtree(self._folder, ignore_errors=True)

    def end_unless_connected(self) -> None:
        """End it if nothing will use it."""
        if not self._connected:
            self.process.kill()
            self.process.communicate()
            shutil.rmtree(self._folder, ignore_errors=True)


def forget() -> None:
    """Let PySpark start another Java next time."""
    SparkContext._gateway = SparkContext._jvm = None


def forget_ended() -> None:
    """Forget the Java that PySpark is connected to, if it has ended."""
    process = getattr(SparkContext._gateway, "proc", None)
    if process is not None and process.poll() is not None:
        forget()
