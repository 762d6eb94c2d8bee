"""Tests of job/spark/gateway.py: Java in processes of their own, because all tests of a process share one Java."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from job.spark import bundle, gateway, session
from job.spark.java import find_java_home

LAUNCH = "from job.spark import gateway, session; session.launch('local[1]', True)"


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
        env={**environment, "SPARK_HOME": str(gateway.SPARK), "SPARK_SCALA_VERSION": "2.12"},
        capture_output=True,
        text=True,
        check=True,
    )

    *options, main = gateway.command(settings, environment)

    words = built_by_spark.stdout.lstrip("\0\n").split("\0")
    assert options == words[: words.index("org.apache.spark.deploy.SparkSubmit")]
    assert main == "org.apache.spark.api.python.PythonGatewayServer"


def test_spark_starts_in_the_java_launched_before() -> None:
    program = f"""
import os
{LAUNCH}
session.launch("local[1]", True)
launched = gateway._started
context = session.start("local[1]")
print(context.parallelize([3, 4], 1).sum(), context._gateway.proc is launched.process)
print(launched.address.parent.exists(), gateway.PORT in os.environ, gateway.SECRET in os.environ)
"""

    ended = run(program)

    assert (ended.stdout, ended.stderr, ended.returncode) == ("7 True\nFalse False False\n", "", 0)


def test_a_process_that_does_not_need_java_ends_it() -> None:
    # What is registered first runs last.
    program = f"import atexit; atexit.register(lambda: print(gateway._started.process.wait())); {LAUNCH}"

    ended = run(program)

    assert (ended.stdout, ended.stderr, ended.returncode) == ("-9\n", "", 0)


def test_java_that_ends_at_once_is_not_waited_for() -> None:
    program = "from job.spark import session; session.start('local[1]')"

    ended = run(program, **{gateway.EXTRA_OPTIONS: "-Xms9g"})

    assert "NotInstalledError: Spark did not start with --master local[1]: Java ended with exit code 1" in ended.stderr


def test_java_is_launched_once_more_after_it_has_ended() -> None:
    program = f"""
{LAUNCH}
gateway.forget()
first = gateway._started.process
{LAUNCH}
print(first.returncode, gateway._started.process.poll())
"""

    assert run(program).stdout == "-9 None\n"


@pytest.mark.parametrize(
    ("master", "environment", "directly"),
    [
        (None, {}, True),
        ("local[2]", {}, True),
        ("local-cluster[2,1,1024]", {}, False),
        ("spark://host:7077", {}, False),
        ("yarn", {}, False),
        (None, {"PYSPARK_SUBMIT_ARGS": "--driver-memory 8g pyspark-shell"}, False),
        (None, {"SPARK_CONF_DIR": "/etc/spark/conf"}, False),
        ("local[2]", {"PYSPARK_GATEWAY_PORT": "41234"}, False),
    ],
)
def test_other_masters_and_settings_start_as_pyspark_does(
    master: str | None, environment: dict[str, str], directly: bool
) -> None:
    assert session.starts_directly(master, environment) is directly


def test_settings_of_another_start_reach_java(tmp_path: Path) -> None:
    (tmp_path / "spark-defaults.conf").write_text("spark.orchard.test 7\n")
    program = "from job.spark import session; print(session.start('local[1]')._conf.get('spark.orchard.test'))"

    assert run(program, SPARK_CONF_DIR=str(tmp_path)).stdout == "7\n"
