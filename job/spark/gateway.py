"""Start Spark's Java process on this machine at once, and connect to it when it is needed.

PySpark's way is a script that starts one Java to build the command of another, and a look ten times a second whether
that one is ready. Here Java starts while Python goes on: docs/decisions/0153-java-starts-early.md.
"""

import atexit
import os
import shlex
import signal
import struct
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyspark
from pyspark import SparkContext
from pyspark.java_gateway import launch_gateway

SPARK = Path(pyspark.__file__).parent

SET_BY_SCRIPT = {"SPARK_HOME": str(SPARK), "PYTHONHASHSEED": "0"}
"""Environment variables that Spark's own script sets for Java and its Python workers."""

ADDRESS_FILE = "_PYSPARK_DRIVER_CONN_INFO_PATH"
"""Environment variable: the file that Java writes its port and its secret to, as soon as it is ready."""

ADDRESS = "address"
"""Name of that file."""

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


@dataclass(frozen=True)
class _Started:
    process: subprocess.Popen[bytes]
    folder: "tempfile.TemporaryDirectory[str]"  # of the address file

    @property
    def address(self) -> Path:
        return Path(self.folder.name, ADDRESS)


_started: _Started | None = None


def command(settings: Mapping[str, str], environment: Mapping[str, str]) -> list[str]:
    """Return the command of a Java that waits for PySpark, as Spark's script builds it.

    ``settings``: of Spark, with ``spark.driver.memory`` and ``spark.driver.extraJavaOptions``.
    """
    return [
        str(Path(environment["JAVA_HOME"], "bin", "java")),
        *("-cp", f"{SPARK / 'conf'}:{SPARK / 'jars'}/*"),
        *shlex.split(environment.get(EXTRA_OPTIONS, "")),
        f"-Xmx{settings['spark.driver.memory']}",
        *shlex.split(settings["spark.driver.extraJavaOptions"]),
        *MODULE_OPTIONS,
        "org.apache.spark.api.python.PythonGatewayServer",
    ]


def launch(settings: Mapping[str, str]) -> None:
    """Start Java as ``command`` says, unless this process has one."""
    if SparkContext._gateway is None:
        _java(settings)


def connect(settings: Mapping[str, str]) -> None:
    """Make PySpark use the Java that ``launch`` has started, or starts now; wait until it is ready.

    Raises
    ------
    RuntimeError
        If Java has ended.
    """
    if SparkContext._gateway is not None:
        return
    java = _java(settings)
    while not java.address.is_file():
        if java.process.poll() is not None:
            raise RuntimeError(f"Java ended with exit code {java.process.returncode}")
        time.sleep(CHECKED_EVERY)
    content = java.address.read_bytes()
    port, length = struct.unpack_from("!ii", content)
    address = {PORT: str(port), SECRET: content[8 : 8 + length].decode()}
    os.environ.update(address)
    try:
        connection: Any = launch_gateway()  # type: ignore[no-untyped-call]
    finally:
        for name in address:
            del os.environ[name]
    java.folder.cleanup()
    # From now on it ends by itself when Python does, and deletes its files.
    atexit.unregister(java.process.kill)
    connection.proc = java.process
    SparkContext._ensure_initialized(gateway=connection)


def _java(settings: Mapping[str, str]) -> _Started:
    """Return this process's Java, started now if there is none."""
    global _started  # noqa: PLW0603 - as in PySpark, a process has one Java
    if _started is None or _started.process.poll() is not None:
        folder = tempfile.TemporaryDirectory(prefix="orchard-java-", ignore_cleanup_errors=True)
        environment = {**os.environ, **SET_BY_SCRIPT, ADDRESS_FILE: str(Path(folder.name, ADDRESS))}
        process = subprocess.Popen(
            command(settings, environment),
            # Java ends when this pipe does.
            stdin=subprocess.PIPE,
            env=environment,
            # Ctrl-C is for Python, which ends Spark in order.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509 - as PySpark does
        )
        # A run that fails before it needs Java does not wait for it.
        atexit.register(process.kill)
        _started = _Started(process, folder)
    return _started


def forget() -> None:
    """End a Java that does not answer any more, so that ``launch`` starts another one."""
    if _started is not None:
        _started.process.kill()
        _started.process.wait()
