"""The wheelhouse is built once for each lock, and holds what the nodes install."""

import subprocess
import zipfile
from pathlib import Path

import pytest

from infra import versions
from infra.emr.bootstrap import wheelhouse
from infra.emr.instance_types import Architecture
from tests.error_report import values

ARCHITECTURES: tuple[Architecture, ...] = ("x86_64", "aarch64")


@pytest.fixture
def empty_wheel(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    (folder / "b-1-py3-none-any.whl").write_bytes(b"b")
    (folder / "a-1-py3-none-any.whl").write_bytes(b"a")
    return folder


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_library_has_a_wheel_that_installs_on_the_cluster(architecture: Architecture) -> None:
    with zipfile.ZipFile(wheelhouse.provide(architecture)) as packed:
        wheels = [name for name in packed.namelist() if name.endswith(".whl")]
    named = sorted(wheel.split("-")[0].replace("_", "-").lower() for wheel in wheels)
    assert named == sorted([*(library.name for library in versions.LIBRARIES), "uv"])


@pytest.mark.parametrize(
    ("setting", "architecture", "pin", "module"),
    [
        ("visual_words", "x86_64", "opencv-python-headless==4.11.0.86", "cv2"),
        ("visual_words", "aarch64", "opencv-python-headless==4.11.0.86", "cv2"),
    ],
)
def test_a_setting_brings_its_library(setting: str, architecture: Architecture, pin: str, module: str) -> None:
    with zipfile.ZipFile(wheelhouse.provide(architecture, [setting])) as packed:
        wheels = [name for name in packed.namelist() if name.endswith(".whl")]
        requirements, names = packed.read("requirements.txt").decode(), packed.read("modules.txt").decode().split()
    accepted = set(wheelhouse.platform_tags(architecture))
    (added,) = [wheel for wheel in wheels if wheel.startswith(f"{pin.split('==', maxsplit=1)[0].replace('-', '_')}-")]
    assert set(added.removesuffix(".whl").split("-")[-1].split(".")) & accepted
    assert len(wheels) == len([*versions.LIBRARIES, "what the setting brings", "uv"])
    assert pin in requirements
    assert names == [*wheelhouse.modules(), module]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_no_wheel_asks_for_a_newer_glibc_than_amazon_linux_has(architecture: Architecture) -> None:
    accepted = {*wheelhouse.platform_tags(architecture), "any"}
    with zipfile.ZipFile(wheelhouse.provide(architecture)) as packed:
        wheels = [name for name in packed.namelist() if name.endswith(".whl")]
    platforms = {wheel: set(wheel.removesuffix(".whl").split("-")[-1].split(".")) for wheel in wheels}
    assert [wheel for wheel, tags in platforms.items() if not tags & accepted] == []


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_installer_is_not_among_the_installed_libraries(architecture: Architecture) -> None:
    with zipfile.ZipFile(wheelhouse.provide(architecture)) as packed:
        assert "uv==" not in packed.read("requirements.txt").decode()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_warm_cache_needs_no_network(architecture: Architecture, monkeypatch: pytest.MonkeyPatch) -> None:
    built = wheelhouse.provide(architecture)

    def no_process(*_arguments: object, **_options: object) -> None:
        raise AssertionError("pip was called")

    monkeypatch.setattr(subprocess, "run", no_process)
    assert wheelhouse.provide(architecture) == built


def test_glibc_2_34_is_the_newest_that_is_accepted() -> None:
    tags = wheelhouse.platform_tags("aarch64")
    assert (tags[0], tags[-2], tags[-1]) == (
        "manylinux_2_34_aarch64",
        "manylinux_2_17_aarch64",
        "manylinux2014_aarch64",
    )


def test_the_cache_is_the_users_own(tmp_path: Path) -> None:
    home = {"HOME": "/home/a"}
    assert wheelhouse.cache_folder(home) == Path("/home/a/.cache/orchard/wheelhouse")
    assert wheelhouse.cache_folder(home | {"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "orchard/wheelhouse"


def test_the_same_wheels_make_the_same_bytes(empty_wheel: Path, tmp_path: Path) -> None:
    for name in ("first.zip", "second.zip"):
        wheelhouse.pack(empty_wheel, "a==1\n", ["a"], tmp_path / name)
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


def test_a_wheelhouse_holds_wheels_hashes_and_what_to_import(empty_wheel: Path, tmp_path: Path) -> None:
    wheelhouse.pack(empty_wheel, "a==1\n", ["a", "b.c"], tmp_path / "packed.zip")
    with zipfile.ZipFile(tmp_path / "packed.zip") as packed:
        assert packed.namelist() == [
            "requirements.txt",
            "modules.txt",
            "a-1-py3-none-any.whl",
            "b-1-py3-none-any.whl",
        ]
        assert (packed.read("requirements.txt"), packed.read("modules.txt")) == (b"a==1\n", b"a\nb.c\n")


def test_what_cannot_be_downloaded_is_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # An index without anything, so that the test needs no network.
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    lock = tmp_path / "lock.txt"
    lock.write_text(f"no-such-library==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(wheelhouse.WheelhouseError) as caught:
        wheelhouse.download(lock, "x86_64", tmp_path / "wheels")
    assert caught.value.code == "ORC-211"
    assert values(caught.value.message)[-1] == "no-such-library==1.0"
    assert caught.value.hint.endswith("make lock")


def test_a_download_that_failed_leaves_nothing_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(wheelhouse.WheelhouseError):
        wheelhouse.provide("x86_64", environment={"XDG_CACHE_HOME": str(tmp_path)})
    assert list((tmp_path / "orchard" / "wheelhouse").iterdir()) == []
