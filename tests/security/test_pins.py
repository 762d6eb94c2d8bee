"""Everything that is installed is pinned to one version and to the hashes of its files."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.lock import APART, ARCHITECTURES, CLUSTER_LISTS, LOCKED
from tools.set_up import LOCKS, ROOT

PYTHON_LOCKS = [
    *LOCKED.values(),
    *APART.values(),
    *(f"infra/emr/bootstrap/{name}.{machine}.txt" for name in CLUSTER_LISTS for machine in ARCHITECTURES),
]

_REQUIREMENT = re.compile(r"[A-Za-z0-9_.-]+(\[[a-z0-9,]+\])?==[^ ;\\]+( ; [^\\]+)? \\")
_HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


def unpinned(lock: str) -> list[str]:
    """Return the lines of a lock that are neither a pinned requirement, followed by hashes, nor a hash."""
    lines = [line for line in lock.splitlines() if line and not line.startswith("#")]
    wrong = []
    for number, line in enumerate(lines):
        followed = number + 1 < len(lines) and _HASH.fullmatch(lines[number + 1])
        if not (_HASH.fullmatch(line) or (_REQUIREMENT.fullmatch(line) and followed)):
            wrong.append(line)
    return wrong


@pytest.mark.parametrize("lock", PYTHON_LOCKS)
def test_every_line_of_a_lock_is_one_version_with_its_hashes(lock: str) -> None:
    text = (ROOT / lock).read_text()

    assert unpinned(text) == []
    assert len(re.findall(r"^[a-z0-9]", text, re.MULTILINE | re.IGNORECASE)) > 0


def test_what_is_not_pinned_would_be_seen() -> None:
    digest = f"    --hash=sha256:{'0' * 64}"

    assert unpinned(f"numpy==1.26.4 \\\n{digest}\n") == []
    assert unpinned(f"numpy>=1.26.4 \\\n{digest}\n") == ["numpy>=1.26.4 \\"]
    assert unpinned("numpy==1.26.4\n") == ["numpy==1.26.4"]
    assert unpinned("--index-url https://example.org\n") == ["--index-url https://example.org"]
    assert unpinned(f"numpy @ https://example.org/n.whl \\\n{digest}\n") == ["numpy @ https://example.org/n.whl \\"]


def test_set_up_installs_every_lock_file() -> None:
    assert {str(lock.relative_to(ROOT)) for lock in LOCKS} >= set(LOCKED.values())


@pytest.mark.parametrize("file", ["tools/set_up.py", "Makefile", "infra/emr/bootstrap/wheelhouse.py"])
def test_what_installs_python_packages_asks_for_hashes(file: str) -> None:
    source = (ROOT / file).read_text()

    assert "--require-hashes" in source
    assert "--no-deps" in source


def test_a_node_installs_with_hashes_and_without_an_index() -> None:
    script = (ROOT / "infra" / "emr" / "bootstrap" / "bootstrap.sh").read_text()
    (install,) = re.findall(r"uv pip install(?:\\\n|[^\n])*", script)

    assert "--require-hashes" in install
    assert "--no-index" in install
    assert "--offline" in install


def test_pip_refuses_a_wheel_that_is_not_the_one_that_was_locked(tmp_path: Path) -> None:
    # Given an index of one folder, with a wheel whose content is not what its hash says
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "numpy-1.26.4-py3-none-any.whl").write_bytes(b"something else")
    (tmp_path / "lock.txt").write_text(f"numpy==1.26.4 --hash=sha256:{'0' * 64}\n")

    ended = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--no-deps", "--no-index", "--require-hashes", "--quiet"),
            *("--find-links", "wheels", "-r", "lock.txt", "--dest", "got", "--disable-pip-version-check"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert "DO NOT MATCH THE HASHES" in ended.stderr


def test_node_packages_have_hashes_and_are_installed_as_locked() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]

    installed = {name: package for name, package in packages.items() if name}
    assert installed
    assert [name for name, package in installed.items() if not package["integrity"].startswith("sha512-")] == []
    wanted = json.loads((ROOT / "package.json").read_text())["devDependencies"]
    assert {name: installed[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    # ``npm ci`` refuses what ``package-lock.json`` does not say.
    assert '"npm", "ci"' in (ROOT / "tools" / "set_up.py").read_text()
