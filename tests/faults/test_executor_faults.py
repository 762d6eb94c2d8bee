"""What becomes of a run that loses whole executors, or has a task twice: Sparks of several processes, so slow."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark
import pytest

from job import arguments, pipeline
from job.images import listing
from tests.faults.comparing import assert_same
from tests.faults.test_task_faults import STAGES, first_does

pytestmark = pytest.mark.slow

Became = Callable[[str, str], None]


def test_executor_killed_at_every_stage_changes_no_bit(
    sample_photos: Path, random_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, became: Became
) -> None:
    monkeypatch.setattr(listing, "LARGEST_PARTITION", 8)
    words = ["--images", str(sample_photos), "--model", str(random_backbone), "--components", "3", "--no-csv"]
    words += ["--classifier", "tree", "--holdout", "0.25"]
    quiet = pipeline.run(arguments.parse([*words, "--master", "local[2]", "--output", str(tmp_path / "quiet")]))

    def killed() -> None:
        # The Java process is the parent of the one that workers are forked from
        status = Path(f"/proc/{os.getppid()}/status").read_text().splitlines()
        java = next(line.split()[1] for line in status if line.startswith("PPid"))
        os.kill(int(java), signal.SIGKILL)
        time.sleep(60)

    for stage, (module, name) in STAGES.items():
        monkeypatch.setattr(module, name, first_does(killed, getattr(module, name), tmp_path / f"{stage} was killed"))
    words += ["--master", "local-cluster[2,1,1024]"]
    disturbed = pipeline.run(arguments.parse([*words, "--output", str(tmp_path / "results")]))

    assert sorted(path.name for path in tmp_path.glob("* was killed")) == sorted(f"{of} was killed" for of in STAGES)
    assert_same((tmp_path / "results", disturbed), (tmp_path / "quiet", quiet))
    became("executor killed (SIGKILL), at every stage", "a new one takes its place; same results to the last bit")


SLOW_AT_FIRST = """
import os, sys, time
from pyspark import TaskContext
from job.images import listing
from job.__main__ import main
from job.spark import tasks
from job.spark.tasks import extract_part
seen = os.environ["SEEN"]
listing.LARGEST_PARTITION = 8

def slow_at_first(*given):
    report = extract_part(*given)
    task = TaskContext.get()
    with open(seen, "a") as file:
        file.write(f"{task.partitionId()} {report.file.path}\\n")
    if task.partitionId() == 0 and task.attemptNumber() == 0:
        time.sleep(60)
    return report

tasks.extract_part = slow_at_first
sys.exit(main(sys.argv[1:]))
"""
"""A run whose first task has written its file and then does not come back, so that Spark starts it a second time."""


@contextmanager
def spark_on_several_hosts(folder: Path) -> Iterator[str]:
    """Run a Spark of its own on three addresses of this machine, as speculation wants; yield the master's address."""
    spark_class = Path(pyspark.__file__).parent / "bin" / "spark-class"
    environment = {**os.environ, "SPARK_NO_DAEMONIZE": "1", "SPARK_LOCAL_DIRS": str(folder)}
    started: list[subprocess.Popen[bytes]] = []

    def start(message: str, *words: str) -> None:
        log = (folder / f"{message}-{len(started)}.log").open("w")
        command = [str(spark_class), f"org.apache.spark.deploy.{message}", *words]
        started.append(
            subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        )

    def logged(name: str, text: str) -> bool:
        return text in (folder / name).read_text()

    try:
        start("master.Master", "--host", "127.0.0.1", "--port", "17077", "--webui-port", "0")
        wait_for(lambda: logged("master.Master-0.log", "I have been elected leader"))
        for number in (2, 3):
            words = ["--host", f"127.0.0.{number}", "--cores", "1", "--memory", "2g", "--webui-port", "0"]
            start("worker.Worker", *words, "--work-dir", str(folder / f"work-{number}"), "spark://127.0.0.1:17077")
        for name in ("worker.Worker-1.log", "worker.Worker-2.log"):
            wait_for(lambda name=name: logged(name, "Successfully registered with master"))  # type: ignore[misc]
        yield "spark://127.0.0.1:17077"
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_task_run_twice_at_once_doubles_no_row(
    sample_photos: Path, random_backbone: Path, tmp_path: Path, became: Became
) -> None:
    # Given a Spark that starts slow tasks a second time elsewhere, and takes whichever ends first
    eager = {"spark.speculation": "true", "spark.speculation.interval": "200ms", "spark.speculation.quantile": "0.3"}
    settings = " ".join(f"--conf {name}={value}" for name, value in eager.items())
    environment = {**os.environ, "SEEN": str(tmp_path / "seen"), "PYSPARK_SUBMIT_ARGS": f"{settings} pyspark-shell"}
    output = tmp_path / "results"
    words = ["--images", str(sample_photos), "--model", str(random_backbone), "--components", "3", "--no-csv"]

    (tmp_path / "spark").mkdir()
    with spark_on_several_hosts(tmp_path / "spark") as master:
        subprocess.run(
            [sys.executable, "-c", SLOW_AT_FIRST, *words, "--output", str(output), "--master", master],
            env=environment,
            check=True,
            timeout=300,
        )

    written = [line.split() for line in (tmp_path / "seen").read_text().splitlines()]
    twice = [path for partition, path in written if partition == "0"]
    assert len(set(twice)) == 2
    manifest = json.loads((output / "manifest.json").read_text())
    counted = [entry["path"] for entry in manifest["files"]["features"]]
    assert len([path for path in twice if path in counted]) == 1
    there = sorted(str(file.relative_to(output)) for file in (output / "features").iterdir())
    assert there == sorted(counted)
    quiet = pipeline.run(arguments.parse([*words, "--output", str(tmp_path / "quiet"), "--master", "local[2]"]))
    assert_same((output, manifest), (tmp_path / "quiet", quiet))
    became(
        "a task runs twice (spark.speculation)", "both write, one counts, the other is deleted; no row is duplicated"
    )
