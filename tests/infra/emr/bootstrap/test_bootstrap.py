"""The bootstrap action really runs: offline, on a wheelhouse really downloaded for this machine."""

import os
import platform
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.emr.bootstrap import wheelhouse
from infra.emr.instance_types import Architecture
from tests.error_report import values
from tests.infra.synthesis import ROOT

SCRIPT = ROOT / "infra" / "emr" / "bootstrap" / "bootstrap.sh"
ARCHITECTURE: Architecture = "aarch64" if platform.machine() in ("aarch64", "arm64") else "x86_64"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the wheels are for the cluster's nodes")

Finished = subprocess.CompletedProcess[str]
Change = Callable[[str, bytes], bytes | None]


def interpreter() -> str:
    """Return the Python that this virtual environment was made from, as EMR has one of its own."""
    return str(Path(os.path.realpath(sys.executable)))


def bootstrap(*arguments: str) -> Finished:
    """Run the script as EMR would, but unable to reach any package index."""
    offline = {**os.environ, "UV_INDEX_URL": "http://127.0.0.1:9/"}
    return subprocess.run(["bash", str(SCRIPT), *arguments], env=offline, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheels() -> Path:
    """Return the wheelhouse for this machine's architecture."""
    return wheelhouse.provide(ARCHITECTURE)


@pytest.fixture(scope="module")
def installed(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Finished]:
    """Return the environment that the script made where something lay already, and what it said."""
    folder = tmp_path_factory.mktemp("node") / "python"
    folder.mkdir()
    (folder / "left-over").touch()
    return folder, bootstrap(interpreter(), str(folder), str(wheels))


@pytest.fixture
def changed(wheels: Path, tmp_path: Path) -> Callable[[Change], Path]:
    """Return a function that makes a wheelhouse with tqdm and its installer, each file changed by another function."""

    def copy(change: Change) -> Path:
        target = tmp_path / "changed.zip"
        with zipfile.ZipFile(wheels) as source, zipfile.ZipFile(target, "w") as packed:
            wheel, installer = (
                next(name for name in source.namelist() if name.startswith(start)) for start in ("tqdm-", "uv-")
            )
            lock = source.read("requirements.txt").decode()
            (pinned,) = re.findall(r"^tqdm==.+(?:\n    --hash=.+)+", lock, re.MULTILINE)
            files = {
                "requirements.txt": pinned.encode(),
                "modules.txt": b"tqdm\n",
                wheel: source.read(wheel),
            }
            packed.writestr(installer, source.read(installer))
            for name, content in files.items():
                kept = change(name, content)
                if kept is not None:
                    packed.writestr(name, kept)
        return target

    return copy


def test_it_ends_well_and_says_how_much_it_imported(installed: tuple[Path, Finished]) -> None:
    folder, result = installed
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[-1] == (
        f"bootstrap: {len(wheelhouse.modules())} modules import with {folder}/bin/python"
    )


@pytest.mark.parametrize("module", wheelhouse.modules())
def test_each_module_imports_from_the_environment_itself(installed: tuple[Path, Finished], module: str) -> None:
    folder, _ = installed
    result = subprocess.run(
        [str(folder / "bin" / "python"), "-I", "-c", f"import {module} as m; print(m.__file__)"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.startswith(f"{folder}/lib/python3.11/site-packages/"), result.stderr


def test_what_the_cluster_does_not_need_is_not_there(installed: tuple[Path, Finished]) -> None:
    folder, _ = installed
    site_packages = folder / "lib" / "python3.11" / "site-packages"
    assert [name for name in ("tensorflow", "pyspark", "pandas", "pip") if (site_packages / name).exists()] == []


def test_what_installed_the_libraries_leaves_nothing_beside_them(installed: tuple[Path, Finished]) -> None:
    folder, _ = installed
    assert sorted(entry.name for entry in folder.iterdir()) == ["bin", "include", "lib", "lib64", "pyvenv.cfg"]
    assert not (folder / "bin" / "uv").exists()


def test_spark_ml_imports_beside_these_libraries(installed: tuple[Path, Finished], tmp_path: Path) -> None:
    folder, _ = installed
    spark = tmp_path / "spark"
    spark.mkdir()
    for package in ("pyspark", "py4j"):
        module = __import__(package)
        assert module.__file__
        (spark / package).symlink_to(Path(module.__file__).parent)
    modules = "pyspark.ml.classification, pyspark.ml.feature, pyspark.sql, pyspark.worker"
    result = subprocess.run(
        [str(folder / "bin" / "python"), "-c", f"import {modules}"],
        env={"PYTHONPATH": str(spark)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_what_lay_in_the_folder_before_is_gone(installed: tuple[Path, Finished]) -> None:
    folder, _ = installed
    assert not (folder / "left-over").exists()


UNPACKING, INSTALLING = re.findall(r'^step="([^$"]+)"$', SCRIPT.read_text(), re.MULTILINE)[-2:]


def failed_step(said: str) -> str:
    """Return the step of the script that failed, as its last line names it."""
    before, _, step = said.splitlines()[-1].rpartition(" while ")
    assert before == "bootstrap: FAILED"
    return step


def failure(wheelhouse_file: Path, folder: Path) -> str:
    """Run the script, which must fail, and return what it said."""
    result = bootstrap(interpreter(), str(folder / "python"), str(wheelhouse_file))
    assert result.returncode != 0
    return result.stderr


def test_a_missing_wheel_fails_and_is_named(changed: Callable[[Change], Path], tmp_path: Path) -> None:
    said = failure(changed(lambda name, content: None if name.endswith(".whl") else content), tmp_path)
    assert "tqdm==4.70.1" in said
    assert failed_step(said) == INSTALLING


def test_a_wheelhouse_without_what_installs_it_fails_and_says_so(
    changed: Callable[[Change], Path], tmp_path: Path
) -> None:
    whole = changed(lambda _, content: content)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(tmp_path / "without.zip", "w") as packed:
        for name in source.namelist():
            if not name.startswith("uv-"):
                packed.writestr(name, source.read(name))
    said = failure(tmp_path / "without.zip", tmp_path)
    assert failed_step(said) == UNPACKING


def test_a_changed_hash_fails_and_is_named(changed: Callable[[Change], Path], tmp_path: Path) -> None:
    def with_other_hashes(name: str, content: bytes) -> bytes:
        if name != "requirements.txt":
            return content
        return re.sub(rb"sha256:[0-9a-f]{64}", b"sha256:" + b"0" * 64, content)

    said = failure(changed(with_other_hashes), tmp_path)
    assert "Hash mismatch for `tqdm==4.70.1`" in said
    assert failed_step(said) == INSTALLING


def test_a_library_without_a_hash_fails_and_is_named(changed: Callable[[Change], Path], tmp_path: Path) -> None:
    bare = changed(lambda name, content: b"tqdm==4.70.1\n" if name == "requirements.txt" else content)
    said = failure(bare, tmp_path)
    assert "tqdm==4.70.1" in said
    assert "hash" in said
    assert failed_step(said) == INSTALLING


def test_a_wheel_with_other_content_fails_and_is_named(changed: Callable[[Change], Path], tmp_path: Path) -> None:
    said = failure(changed(lambda name, content: content + b"x" if name.endswith(".whl") else content), tmp_path)
    assert "tqdm==4.70.1" in said
    assert failed_step(said) == INSTALLING


def test_a_module_that_does_not_import_fails_and_is_named(changed: Callable[[Change], Path], tmp_path: Path) -> None:
    said = failure(changed(lambda name, content: b"no_such_module\n" if name == "modules.txt" else content), tmp_path)
    assert said.splitlines()[-2:] == [
        "ModuleNotFoundError: No module named 'no_such_module'",
        "bootstrap: FAILED while importing no_such_module",
    ]


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the node's ``sudo`` and ``aws``, which note their arguments, and do nothing else."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sudo", "aws"):
        (programs / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {programs}/calls\n')
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return programs


def test_installs_an_interpreter_that_is_not_there(node: Path, wheels: Path, tmp_path: Path) -> None:
    result = bootstrap("/no/python3.11", str(tmp_path / "python"), str(wheels))
    assert (node / "calls").read_text() == "sudo dnf install -y -q python3.11\n"
    assert result.returncode == 127
    assert result.stderr.splitlines()[-1] == "bootstrap: FAILED while running /no/python3.11"


def test_fetches_the_wheelhouse_from_the_region_given(node: Path, tmp_path: Path) -> None:
    bootstrap(interpreter(), str(tmp_path / "python"), "s3://bucket/wheels.zip", "eu-west-3")
    (call,) = (node / "calls").read_text().splitlines()
    assert call.startswith("aws s3 cp --region eu-west-3 --only-show-errors s3://bucket/wheels.zip ")


def test_a_missing_wheelhouse_fails_and_is_named(tmp_path: Path) -> None:
    result = bootstrap(interpreter(), str(tmp_path / "python"), "/no/wheelhouse.zip")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == "bootstrap: FAILED while unpacking /no/wheelhouse.zip"


def test_wrong_arguments_are_a_usage_error() -> None:
    result = bootstrap("/usr/bin/python3.11")
    assert result.returncode == 2
    assert values(result.stderr) == ["INTERPRETER", "FOLDER", "WHEELHOUSE", "REGION", "1"]
