"""Tests of job/spark/gateway.py: Java in processes of their own, because all tests of a process share one Java."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from job.spark import bundle, gateway, session
from job.spark.java import find_java_home


def run(program: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program in another process."""
    environment = {**os.environ, **bundle.import_path(), **variables}
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_java_gets_the_options_that_the_script_gives_it() -> None:
    settings = session.own_session(["-XX:TieredStopAtLevel=1"])
    environment = {**os.environ, "JAVA_HOME": str(find_java_home()), gateway.EXTRA_OPTIONS: "-Xss2m -Dan.option='a b'"}
    built_by_spark = subprocess.run(
        [
            *(environment["JAVA_HOME"] + "/bin/java", "-cp", f"{gateway.SPARK / 'jars'}/*"),
            *("org.apache.spark.launcher.Main", "org.apache.spark.deploy.SparkSubmit"),
            *(word for setting in settings.items() for word in ("--conf", "=".join(setting))),
            "pyspark-shell",
        ],
        env={**environment, **gateway.SET_BY_SCRIPT},
        capture_output=True,
        text=True,
        check=True,
    )

    *options, main = gateway.command(settings, environment)

    words = built_by_spark.stdout.lstrip("\0\n").split("\0")
    assert options == words[: words.index("org.apache.spark.deploy.SparkSubmit")]
    assert main == "org.apache.spark.api.python.PythonGatewayServer"


def test_spark_starts_in_the_java_launched_before() -> None:
    program = """
import os
from job.spark import gateway, session
with session.launched("local[1]") as launch:
    address = launch.java._address
    context = session.connect(launch)
print(context.parallelize([3, 4], 1).sum(), context._gateway.proc is launch.java.process)
print(address.parent.exists(), gateway.PORT in os.environ, gateway.SECRET in os.environ)
with session.launched("local[1]") as another:
    print(another.java)
"""

    ended = run(program)

    assert (ended.stdout, ended.stderr, ended.returncode) == ("7 True\nFalse False False\nNone\n", "", 0)


def test_java_that_nothing_uses_ends_with_its_block() -> None:
    program = """
from job.spark import session
try:
    with session.launched("local[1]") as launch:
        raise ValueError
except ValueError:
    print(launch.java.process.returncode, launch.java._folder.exists())
"""

    ended = run(program)

    assert (ended.stdout, ended.stderr, ended.returncode) == ("-9 False\n", "", 0)


@pytest.mark.parametrize(
    ("options", "reason"), [("-Xms9g", "Java ended with exit code 1"), ("-Dan.option='", "No closing quotation")]
)
def test_java_that_does_not_start_is_reported(options: str, reason: str) -> None:
    program = """
from job.errors import NotInstalledError
from job.spark import session
try:
    session.start("local[1]")
except NotInstalledError as error:
    print(error.message, error.hint)
"""

    ended = run(program, **{gateway.EXTRA_OPTIONS: options})

    assert reason in ended.stdout.splitlines()[-1]
    assert f"unset {gateway.EXTRA_OPTIONS}" in ended.stdout.splitlines()[-1]


def test_java_whose_folder_is_deleted_is_not_waited_for() -> None:
    program = """
import shutil
from job.errors import NotInstalledError
from job.spark import session
try:
    with session.launched("local[1]") as launch:
        shutil.rmtree(launch.java._folder)
        session.connect(launch)
except NotInstalledError as error:
    print(str(launch.java._folder) in error.message)
"""

    assert run(program).stdout == "True\n"


@pytest.mark.parametrize(
    ("master", "environment", "directly"),
    [
        ("local[2]", {}, True),
        ("local-cluster[2,1,1024]", {}, True),
        ("spark://host:7077", {}, False),
        ("yarn", {}, False),
        ("local[2]", {"PYSPARK_SUBMIT_ARGS": "--driver-memory 8g pyspark-shell"}, False),
        ("local[2]", {"SPARK_CONF_DIR": "/etc/spark/conf"}, False),
        ("local[2]", {"PYSPARK_GATEWAY_PORT": "41234"}, False),
    ],
)
def test_other_masters_and_settings_start_as_pyspark_does(
    master: str, environment: dict[str, str], directly: bool
) -> None:
    assert session.starts_directly(master, environment) is directly


def test_a_configured_pyspark_starts_by_its_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "CONFIGURATION", tmp_path)

    assert not session.starts_directly("local[2]", {})


def test_settings_of_another_start_reach_java(tmp_path: Path) -> None:
    (tmp_path / "spark-defaults.conf").write_text("spark.orchard.test 7\n")
    program = "from job.spark import session; print(session.start('local[1]')._conf.get('spark.orchard.test'))"

    assert run(program, SPARK_CONF_DIR=str(tmp_path)).stdout == "7\n"


def test_executors_of_a_local_cluster_start() -> None:
    program = """
from job.spark import session
print(session.start("local-cluster[1,1,1024]").parallelize([3, 4], 2).map(str).collect())
"""

    assert run(program).stdout == "['3', '4']\n"
