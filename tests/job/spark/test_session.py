"""Tests of job/spark/session.py."""

import os
import select
import shlex
import socket
import struct
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark import SparkConf, SparkContext
from pyspark.accumulators import _UpdateRequestHandler

from job.errors import NotInstalledError, RunFailedError
from job.results.progress import Progress
from job.spark import bundle, session, worker_daemon


def context_with(parallelism: int, **settings: str) -> Any:
    """Return what ``slots`` looks at of a Spark context."""
    configuration = SparkConf(loadDefaults=False)
    for name, value in settings.items():
        configuration.set(name.replace("_", "."), value)
    return SimpleNamespace(_conf=configuration, defaultParallelism=parallelism)


def test_one_machine_has_a_slot_per_core() -> None:
    assert session.slots(context_with(2)) == 2


def test_slots_of_growing_cluster_count_its_full_size() -> None:
    growing = context_with(4, spark_dynamicAllocation_maxExecutors="10", spark_executor_cores="4")

    assert session.slots(growing) == 40


def test_unbounded_cluster_counts_its_current_slots() -> None:
    unbounded = context_with(6, spark_dynamicAllocation_maxExecutors=str(2**31 - 1), spark_executor_cores="4")

    assert session.slots(unbounded) == 6


@pytest.mark.parametrize(("files", "tasks"), [(0, 1), (3, 3), (50, 8)])
def test_files_are_spread_over_a_few_tasks_in_order(spark: SparkContext, files: int, tasks: int) -> None:
    found = session.spread(spark, list(range(files)))

    assert session.slots(spark) == 2
    assert found.getNumPartitions() == tasks
    assert found.collect() == list(range(files))


def test_ships_the_whole_package_to_executors(tmp_path: Path) -> None:
    added: list[str] = []
    context: Any = SimpleNamespace(_conf=SparkConf(loadDefaults=False), addPyFile=added.append)

    session.ship_bundle(context, tmp_path)

    with zipfile.ZipFile(added[0]) as carried:
        names = carried.namelist()
    assert sorted(names) == sorted(
        source.relative_to(bundle.PACKAGE.parent).as_posix()
        for pattern in ("*.py", "*.css", "*.js", "*.toml")
        for source in bundle.PACKAGE.rglob(pattern)
    )


def test_own_workers_import_the_package_from_its_place(tmp_path: Path) -> None:
    added: list[str] = []
    own = SparkConf(loadDefaults=False).setAll(list(session.own_workers().items()))
    context: Any = SimpleNamespace(_conf=own, addPyFile=added.append)

    session.ship_bundle(context, tmp_path)

    assert added == []


def test_workers_start_beside_a_job_py_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text("raise SystemExit('not the package')")
    prefix = "spark.executorEnv."
    given = {name.removeprefix(prefix): value for name, value in session.own_workers().items() if prefix in name}

    # The end of standard input is the daemon's order to end.
    command = [sys.executable, "-m", worker_daemon.__name__]
    ended = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, **given}, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )

    # It has printed its port.
    assert (len(ended.stdout), ended.stderr) == (struct.calcsize("!i"), b"")


def test_spark_starts_again_after_java_has_died() -> None:
    # In a process of its own, because all tests here share one Java process
    code = """
from job.spark import session

context = session.start("local[1]")
java = context._gateway.proc
java.kill()
java.wait()
session.stop(context)
again = session.start("local[1]")
print(again.parallelize([3, 4], 1).sum())
session.stop(again)
again._gateway.proc.kill()
again._gateway.proc.wait()
print(session.start("local[1]").parallelize([5, 6], 1).sum())
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (ended.stdout, ended.returncode) == ("7\n11\n", 0)


def test_own_session_listens_on_this_machine_only() -> None:
    settings = session.own_session()

    assert settings["spark.driver.bindAddress"] == "127.0.0.1"
    assert settings["spark.ui.enabled"] == "false"


def test_own_session_passes_java_options() -> None:
    options = session.own_session(["-XX:SharedArchiveFile=/a folder/spark.jsa"])["spark.driver.extraJavaOptions"]

    assert shlex.split(options)[-1:] == ["-XX:SharedArchiveFile=/a folder/spark.jsa"]


@pytest.mark.parametrize("quickly", [True, False])
def test_java_compiles_quickly_where_that_is_asked_for(quickly: bool) -> None:
    program = (
        f"from job.spark import session; context = session.start('local[1]', {quickly}); "
        "beans = context._jvm.java.lang.management.ManagementFactory.getRuntimeMXBean(); "
        "print(list(beans.getInputArguments()))"
    )
    # Without what the suite itself asks Java for
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_OPTS")}
    environment["PYTHONPATH"] = str(bundle.PACKAGE.parent)

    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)

    assert (session.COMPILE_QUICKLY in done.stdout) is quickly


def test_each_spark_of_a_process_has_its_own_settings() -> None:
    program = (
        "import sys; from job.spark import session\n"
        "for master, module in (('local[1]', 'colorsys'), (None, 'tabnanny')):\n"
        "    context = session.start(master, module=module)\n"
        "    tasks = context.parallelize([0], 1)\n"
        "    loaded = tasks.map(lambda _: {'colorsys', 'tabnanny'} & set(sys.modules)).collect()\n"
        "    print(context.master, *loaded[0])\n"
        "    session.stop(context)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(bundle.PACKAGE.parent)}

    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["local[1] colorsys", f"{session.ALL_CORES} tabnanny"]


def test_missing_java_names_the_package_with_one(tmp_path: Path) -> None:
    # Given a machine without Java: neither on PATH nor as a package
    program = "import job.spark.java as j, job.spark.session as s; j._from_package = lambda: None; s.start('local[1]')"
    environment = {**os.environ, "PATH": str(tmp_path), "PYTHONPATH": str(bundle.PACKAGE.parent)}
    environment.pop("JAVA_HOME", None)

    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)

    error, hint = done.stderr.splitlines()[-2:]
    assert error.startswith("job.errors.catalogue.NotInstalledError: ")
    assert "requirements/java.txt" in hint


def test_unreachable_master_fails_at_once() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"

        began = time.monotonic()
        with pytest.raises(NotInstalledError) as raised:
            session.require_reachable(f"spark://{address},{address}")

    assert time.monotonic() - began < session.MASTER_SECONDS
    assert (raised.value.code, address in raised.value.message) == ("ORC-150", True)


@pytest.mark.parametrize("master", ["spark://host.invalid:7077", "spark://host.invalid", "spark://127.0.0.1:port"])
def test_refuses_master_without_a_known_host_and_port(master: str) -> None:
    with pytest.raises(NotInstalledError) as raised:
        session.require_reachable(master)

    assert master.removeprefix("spark://") in raised.value.message


def test_master_is_reachable_if_one_of_its_hosts_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        session.require_reachable(f"spark://127.0.0.1:1,127.0.0.1:{server.getsockname()[1]}")
    session.require_reachable("local[2]")


def test_failure_at_start_stops_spark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a Spark that starts, and a disk without space for its files
    stopped: list[Any] = []

    def refuse(_: str) -> None:
        raise RuntimeError("java.nio.file.FileSystemException: a -> b: No space left on device")

    context: Any = SimpleNamespace(
        _conf=SparkConf(loadDefaults=False),
        addPyFile=lambda _: None,
        addFile=refuse,
        stop=lambda: stopped.append(context),
    )
    states = iter([None, context])
    monkeypatch.setattr(session, "running", lambda: next(states))
    monkeypatch.setattr(session, "connect", lambda _launch, _module: context)

    progress = Progress(str(tmp_path / "results"), "run-1")
    launch = session.Launch()
    with pytest.raises(RunFailedError) as raised, session.opened(launch, [tmp_path / "file"], progress, tmp_path):
        pytest.fail("it begins all the same")
    assert (raised.value.code, "SPARK_LOCAL_DIRS" in raised.value.hint) == ("ORC-160", True)

    assert stopped == [context]


def report_with(token: str) -> None:
    """Have a task report how far it is, in Java's place, and end the connection as Java does when it dies."""
    no_updates = struct.pack("!i", 0)
    with session.ReportServer(("127.0.0.1", 0), _UpdateRequestHandler, "the right token") as server:
        with socket.create_connection(("127.0.0.1", server.socket.getsockname()[1])) as java:
            java.sendall(token.encode() + no_updates)
        server.handle_request()


def test_end_of_java_connection_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    report_with("the right token")

    assert capsys.readouterr().err == ""


def test_other_failures_of_java_print_their_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    report_with("the wrong token")

    assert "ValueError: The value of the provided token to the AccumulatorServer is not correct." in (
        capsys.readouterr().err
    )


def test_report_server_stops_while_java_is_silent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given a handler that waits for Java's next report, without Spark's look at the clock once a second
    is_waiting = threading.Event()

    def without_limit(readers: list[Any], writers: list[Any], failed: list[Any], _seconds: float) -> Any:
        is_waiting.set()
        return select.select(readers, writers, failed)

    monkeypatch.setattr("pyspark.accumulators.select", SimpleNamespace(select=without_limit))
    server = session.ReportServer(("127.0.0.1", 0), _UpdateRequestHandler, "the right token")
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    with socket.create_connection(("127.0.0.1", server.socket.getsockname()[1])):
        assert is_waiting.wait(60)

        stopping = threading.Thread(target=server.shutdown, daemon=True)
        stopping.start()
        stopping.join(60)

    assert not stopping.is_alive()
    serving.join(60)
    assert capsys.readouterr().err == ""


def test_variables_of_another_spark_are_replaced() -> None:
    environment = {"SPARK_HOME": "/opt/spark", "PYSPARK_PYTHON": "/usr/bin/another-python", "HOME": "/home/mia"}

    session.use_own_spark(environment)

    assert environment == {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1", "HOME": "/home/mia"}


def test_fix_names_variables_that_change_start() -> None:
    assert "unset PYSPARK_SUBMIT_ARGS" in session.how_to_start({"PYSPARK_SUBMIT_ARGS": "--master yarn"})
    assert "unset" not in session.how_to_start({"PYSPARK_SUBMIT_ARGS": ""})


def test_spark_starts_beside_another_one(tmp_path: Path) -> None:
    # Given the variables of another Spark and another Python, neither of which exists
    program = "import job.spark.session as s; print(s.start('local[1]').parallelize([1, 2], 1).map(str).collect())"
    another = {"SPARK_HOME": str(tmp_path), "PYSPARK_PYTHON": str(tmp_path / "python")}
    environment = {**os.environ, **another, "PYTHONPATH": str(bundle.PACKAGE.parent)}

    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120, check=False
    )

    assert (ended.returncode, ended.stdout.strip()) == (0, "['1', '2']")
