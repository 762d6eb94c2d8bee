"""Finding Java and Spark on this machine."""

from pathlib import Path

import pytest

from localcloud import runtime
from localcloud.runtime import find_java_home, find_spark_home


@pytest.fixture(autouse=True)
def _no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_package_folder", lambda _name: None)


def test_java_home_comes_before_the_path(tmp_path: Path) -> None:
    java = tmp_path / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.touch(0o755)

    assert find_java_home({"JAVA_HOME": "/java", "PATH": str(java.parent)}) == "/java"
    assert find_java_home({"PATH": str(java.parent)}) == str(tmp_path / "jdk")


def test_the_package_pyspark_comes_before_spark_home(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_spark_home({"SPARK_HOME": "/spark"}) == "/spark"
    monkeypatch.setattr(runtime, "_package_folder", lambda name: Path("/packages") / name)
    assert find_spark_home({"SPARK_HOME": "/spark"}) == "/packages/pyspark"


def test_without_java_and_spark_both_are_empty(tmp_path: Path) -> None:
    assert find_java_home({"PATH": str(tmp_path)}) == find_spark_home({}) == ""
