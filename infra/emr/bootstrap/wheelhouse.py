"""Build the wheelhouse of an architecture once, and cache it: wheels, their hashes, what to import.

The locks of an architecture (``requirements.ARCHITECTURE.txt``, and for example ``visual_words.ARCHITECTURE.txt`` where
those libraries are asked for; ``installer.ARCHITECTURE.txt`` for uv, which installs them) are the whole input, so their
content names the file in the cache: the same locks are never downloaded twice, and a warm cache needs no network.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra import versions
from infra.emr import Architecture
from job.errors import OrchardError

HERE = Path(__file__).resolve().parent
OLDEST_GLIBC = 17
"""Of 2.x: the oldest that wheels for 64-bit ARM were ever tagged for."""


class WheelhouseError(OrchardError):
    """The cluster's Python libraries could not be downloaded.

    They are downloaded once per architecture and cached. The package index did not answer, or a wheel was removed.

    Check the network and rerun the command.
    """

    code = "ORC-211"


def lock_files(architecture: Architecture, optional: Sequence[str] = ()) -> list[Path]:
    """Return the pinned and hashed lists of what is installed on nodes of an architecture."""
    return [HERE / f"{name}.{architecture}.txt" for name in ("requirements", *optional)]


def installer_lock(architecture: Architecture) -> Path:
    """Return the pinned and hashed list of what installs the others on nodes of an architecture."""
    return HERE / f"installer.{architecture}.txt"


def provide(
    architecture: Architecture, optional: Sequence[str] = (), environment: Mapping[str, str] = os.environ
) -> Path:
    """Return the wheelhouse of an architecture, building it where the cache does not hold it yet.

    Parameters
    ----------
    environment
        Environment variables; ``XDG_CACHE_HOME`` and ``HOME`` say where the cache is.
    """
    locks, installer = lock_files(architecture, optional), installer_lock(architecture)
    requirements = "".join(lock.read_text() for lock in locks)
    names = modules(optional)
    fingerprint = _fingerprint(requirements, installer.read_text(), *names)
    wheelhouse = cache_folder(environment) / f"{architecture}-{fingerprint}.zip"
    if not wheelhouse.is_file():
        wheelhouse.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=wheelhouse.parent) as work:
            wheels = Path(work) / "wheels"
            for lock in (*locks, installer):
                download(lock, architecture, wheels)
            packed = Path(work) / "wheelhouse.zip"
            pack(wheels, requirements, names, packed)
            packed.replace(wheelhouse)
    return wheelhouse


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return this user's folder of wheelhouses."""
    base = environment.get("XDG_CACHE_HOME")
    root = Path(base) if base else Path(environment.get("HOME", "~")).expanduser() / ".cache"
    return root / "orchard" / "wheelhouse"


def modules(optional: Sequence[str] = ()) -> list[str]:
    """Return everything that must import on a node."""
    libraries = [*versions.LIBRARIES, *(library for name in optional for library in versions.OPTIONAL[name])]
    return [module for library in libraries for module in library.modules]


def platform_tags(architecture: Architecture) -> list[str]:
    """Return the wheel tags that install on the cluster's operating system, newest first."""
    newest = versions.GLIBC[1]
    tags = [f"manylinux_2_{minor}_{architecture}" for minor in range(newest, OLDEST_GLIBC - 1, -1)]
    return [*tags, f"manylinux2014_{architecture}"]


def download(lock: Path, architecture: Architecture, folder: Path) -> None:
    """Download every wheel of a lock, checking its hash."""
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
        *("--only-binary=:all:", "--require-hashes", "--requirement", str(lock), "--dest", str(folder)),
        *("--python-version", versions.PYTHON, "--implementation", "cp"),
        *("--abi", f"cp{versions.PYTHON.replace('.', '')}", "--abi", "abi3", "--abi", "none"),
        *[option for tag in platform_tags(architecture) for option in ("--platform", tag)],
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        lines = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
        raise WheelhouseError(
            f"The cluster's Python libraries for {architecture} could not be downloaded: "
            f"{lines[-1] if lines else result.stderr.strip()}",
            "Check that the package index answers, then rerun. If a wheel was removed, raise its version in "
            "infra/versions.py, then run: make lock",
        )


def pack(wheels: Path, requirements: str, names: list[str], target: Path) -> None:
    """Write wheels, their requirements and the modules to import into one zip, the same bytes every time.

    Wheels are compressed already, so the zip only stores them. ``ZipInfo`` gives every file the same time.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as packed:
        packed.writestr(zipfile.ZipInfo("requirements.txt"), requirements)
        packed.writestr(zipfile.ZipInfo("modules.txt"), "".join(f"{name}\n" for name in names))
        for wheel in sorted(wheels.iterdir()):
            packed.writestr(zipfile.ZipInfo(wheel.name), wheel.read_bytes())


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
