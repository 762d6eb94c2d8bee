"""Tests of job/results/processes.py, on real processes."""

import subprocess
import sys
from pathlib import Path

import pytest

from job.results import processes

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: reads from /proc when a process began")

TELL = "from job.results import processes; print(processes.this_process())"


@on_linux
def test_living_process_has_not_died_and_ended_one_has() -> None:
    told = subprocess.run([sys.executable, "-c", TELL], capture_output=True, text=True, check=True).stdout.strip()
    mine = processes.this_process()

    assert mine is not None
    assert not processes.has_died(mine)
    assert processes.has_died(told)


@on_linux
def test_zombie_process_has_died() -> None:
    with subprocess.Popen([sys.executable, "-c", TELL], stdout=subprocess.PIPE, text=True) as process:
        told, _ = process.communicate()
    with subprocess.Popen([sys.executable, "-c", f"{TELL[:-1]}, flush=True)"], stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout is not None
        unasked = it.stdout.readline().strip()
        it.stdout.read()  # its end: from here on it is a zombie, or about to be
        while Path(f"/proc/{it.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            pass
        assert processes.has_died(unasked)
    assert processes.has_died(told.strip())


@on_linux
def test_reused_process_number_is_another_process() -> None:
    machine, number, began = str(processes.this_process()).split("/")

    assert processes.has_died(f"{machine}/{number}/{int(began) - 1}")


@pytest.mark.parametrize("process", ["another-machine/1/1", "", "a/b", "a/b/c", "/../../etc/passwd/1"])
def test_of_another_machine_and_of_nonsense_nothing_is_known(process: str) -> None:
    assert not processes.has_died(process)


def test_a_system_that_does_not_tell_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = processes.this_process()
    monkeypatch.setattr(processes, "PROC", tmp_path)

    assert processes.this_process() is None
    assert not processes.has_died(told or "a/1/1")
