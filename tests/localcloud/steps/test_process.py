"""Commands really run here, in sessions of their own, and nothing of them is left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from localcloud.steps.launcher import session_members
from localcloud.steps.process import LAUNCHER, ChildProcess, Order

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: reads /proc")

ENVIRONMENT = {"PATH": os.defpath}


def begin(folder: Path, script: str) -> ChildProcess:
    return ChildProcess(Order(["bash", "-c", script], ENVIRONMENT, folder))


def wait_for(file: Path) -> str:
    """Return what a file holds once it holds something."""
    for _ in range(1000):
        if file.exists() and file.read_text().endswith("\n"):
            return file.read_text()
        time.sleep(0.01)
    raise AssertionError(f"{file} never came")


def is_gone(process: int) -> bool:
    """Return whether a process has ended, within a second."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            # The latter if it ends between opening and reading the file.
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def test_output_and_exit_code_are_the_commands_own(tmp_path: Path) -> None:
    assert begin(tmp_path, "echo out; echo err >&2; exit 7").wait() == 7
    assert (tmp_path / "stdout").read_text() == "out\n"
    assert (tmp_path / "stderr").read_text() == "err\n"


def test_a_command_gets_the_given_environment_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the administrator's")
    begin(tmp_path, "env").wait()
    names = {line.partition("=")[0] for line in (tmp_path / "stdout").read_text().splitlines()}
    assert names - {"PWD", "SHLVL", "_", "LC_CTYPE"} == {"PATH"}


def test_reports_a_command_that_does_not_exist(tmp_path: Path) -> None:
    assert ChildProcess(Order(["no-such-command"], ENVIRONMENT, tmp_path)).wait() == 127
    assert (tmp_path / "stderr").read_text() == "no-such-command: No such file or directory\n"


def test_a_command_may_clean_up_when_interrupted(tmp_path: Path) -> None:
    process = begin(tmp_path, "trap 'echo put away; exit 130' TERM; echo ready; while :; do sleep 0.02; done")
    wait_for(tmp_path / "stdout")
    process.interrupt()
    assert process.wait() == 130
    assert (tmp_path / "stdout").read_text() == "ready\nput away\n"


def test_killing_a_command_ends_other_process_groups_too(tmp_path: Path) -> None:
    # As Spark's Python workers do.
    script = "import os, time; os.setpgid(0, 0); print(os.getpid(), flush=True); time.sleep(60)"
    process = begin(tmp_path, f'trap "" TERM; {sys.executable} -c "{script}" & sleep 60; wait')
    child = int(wait_for(tmp_path / "stdout"))
    process.kill()
    assert process.wait() == 137
    assert is_gone(child)


def test_a_killed_command_fails_though_its_child_died_first(tmp_path: Path) -> None:
    # Given a launcher that ends a command's children first, and gives the command time to notice
    launcher = tmp_path / "launcher.py"
    children_first = """
def end_others():
    for process in sorted(session_members(os.getsid(0)) - {os.getpid()}, reverse=True):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        time.sleep(0.2)
"""
    main = 'if __name__ == "__main__":'
    launcher.write_text(LAUNCHER.read_text().replace(main, f"import time\n{children_first}\n{main}"))
    command = [sys.executable, str(launcher), "bash", "-c", "sleep 60 & echo $! > child; wait; exit 0"]

    # When the command is ended
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=tmp_path, start_new_session=True) as process:
        wait_for(tmp_path / "child")

    # Then it was killed
    assert process.returncode == -signal.SIGKILL


def test_ends_processes_that_a_command_leaves_running(tmp_path: Path) -> None:
    assert begin(tmp_path, "sleep 60 & echo $!").wait() == 0
    assert is_gone(int((tmp_path / "stdout").read_text()))


def test_a_command_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    starter = (
        "import subprocess, sys, time; "
        f"subprocess.Popen([sys.executable, {str(LAUNCHER)!r}, 'bash', '-c', 'echo $$ > child; sleep 60'], "
        f"stdin=subprocess.PIPE, start_new_session=True, cwd={str(tmp_path)!r}); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", starter]) as process:
        child = int(wait_for(tmp_path / "child"))
        assert not is_gone_now(child)
        process.kill()
    assert is_gone(child)


def is_gone_now(process: int) -> bool:
    return not Path(f"/proc/{process}").exists()


def test_a_session_has_its_members_and_no_others(tmp_path: Path) -> None:
    for process, line in {
        11: "11 (a) S 1 11 11 0",
        12: "12 (b c) d) R 11 12 11 0",
        13: "13 (c) Z 11 12 11 0",
        14: "14 (d) S 1 14 14 0",
    }.items():
        (tmp_path / str(process)).mkdir()
        (tmp_path / str(process) / "stat").write_text(line)
    assert session_members(11, tmp_path) == {11, 12}
