"""The state of the local cloud on this machine: whether it runs, and where; starts and ends it.

A cloud is a separate process. It holds a lock on a file, which the kernel releases however the process ends, so that
another process with the same id is never mistaken for the cloud.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from localcloud.errors import LocalCloudError, LocalCloudStateError
from localcloud.runtime import Runtime, find_runtime

USUAL_PORT = 5055

SECONDS_BETWEEN_LOOKS = 0.1
START_LOOKS = 600
"""A minute: a machine under load imports slowly."""
END_LOOKS = 100
"""Ten seconds, then the process is killed."""

_STATE, _LOCK, _LOG, _WORK = "state.json", "lock", "cloud.log", "work"


@dataclass(frozen=True)
class LocalCloudState:
    """The state of a local cloud that answers; ``since`` is UTC in ISO 8601."""

    endpoint: str
    process: int
    since: str
    started_in: str = ""  # working folder of the command that started it
    session: int = 0  # POSIX session of that command: the commands of one terminal share it

    @property
    def started_here(self) -> bool:
        """Whether it was started from this terminal and working folder."""
        return (self.started_in, self.session) == here()


def here() -> tuple[str, int]:
    """Return the working folder and the POSIX session of this process."""
    return str(Path.cwd()), os.getsid(0)


def default_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of the user's local cloud: below ``XDG_STATE_HOME``, else below ``~/.local/state``."""
    folder = environment.get("XDG_STATE_HOME")
    return (Path(folder) if folder else Path.home() / ".local" / "state") / "localcloud"


def find(folder: Path) -> LocalCloudState | None:
    """Return the cloud that runs, None if there is none or it does not answer yet."""
    if not _held(folder):
        return None
    try:
        return LocalCloudState(**json.loads((folder / _STATE).read_text()))
    except FileNotFoundError:
        return None


def require(folder: Path, program: str = "python -m localcloud") -> LocalCloudState:
    """Return the running cloud; raise LocalCloudStateError, with the command that starts one, if there is none."""
    found = find(folder)
    if found is None:
        raise LocalCloudStateError("No local cloud is running.", f"Start it: {program} up")
    return found


@contextmanager
def running(port: int = 0, runtime: Runtime | None = None) -> Iterator[str]:
    """Run a local cloud during the block; yield its endpoint. Port 0 takes any free one."""
    with tempfile.TemporaryDirectory(prefix="localcloud-") as parent:
        folder = Path(parent) / "cloud"
        try:
            yield start(folder, port, find_runtime() if runtime is None else runtime).endpoint
        finally:
            stop(folder)


def start(folder: Path, port: int, runtime: Runtime, sleep: Callable[[float], None] = time.sleep) -> LocalCloudState:
    """Start a cloud that continues when this process ends; return it once it answers.

    What a killed cloud left in the folder is deleted; a free port is taken if the given one is in use. Raise
    LocalCloudError if it ends, or does not answer within a minute.
    """
    _make_own(folder)
    log = folder / _LOG
    command = [
        *(sys.executable, "-m", "localcloud.server", "--port", str(port), "--folder", str(folder)),
        *("--java-home", runtime.java_home, "--spark-home", runtime.spark_home, "--node-python", runtime.node_python),
        *("--started-in", here()[0], "--session", str(here()[1])),
    ]
    project = Path(__file__).resolve().parent.parent
    with log.open("w") as output:
        # In its own session: Ctrl-C in the terminal is for the command, not for the cloud.
        process = subprocess.Popen(
            command, cwd=project, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    for _ in range(START_LOOKS):
        found = find(folder)
        if found is not None:
            return found
        if process.poll() is not None:
            break
        sleep(SECONDS_BETWEEN_LOOKS)
    process.kill()
    process.wait()
    last = (log.read_text().strip().splitlines() or ["it printed nothing."])[-1]
    raise LocalCloudError(f"The local cloud did not start: {last}", f"See its output in {log}")


def stop(folder: Path, sleep: Callable[[float], None] = time.sleep) -> LocalCloudState | None:
    """End the cloud and delete its folder, also that of a killed one; return what ran, None if nothing did."""
    found = find(folder)
    if found is not None:
        os.kill(found.process, signal.SIGTERM)
        for _ in range(END_LOOKS):
            if not _held(folder):
                break
            sleep(SECONDS_BETWEEN_LOOKS)
        else:
            os.kill(found.process, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)
    return found


@contextmanager
def hold(folder: Path) -> Iterator[Callable[[LocalCloudState], None]]:
    """Hold the folder for the cloud in this process; yield a function that announces that it answers.

    Raise LocalCloudStateError if another cloud holds it.
    """
    _make_own(folder)
    # Only the kernel releases it, when the process has ended: waiting for the lock is waiting for the process.
    lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise LocalCloudStateError(
            "A local cloud is already running.", "Use it, or end it: python -m localcloud down"
        ) from error
    # Left by a cloud that was killed.
    (folder / _STATE).unlink(missing_ok=True)
    shutil.rmtree(work_folder(folder), ignore_errors=True)
    work_folder(folder).mkdir()

    def announce(found: LocalCloudState) -> None:
        unfinished = folder / f"{_STATE}.new"
        unfinished.write_text(json.dumps(asdict(found)))
        unfinished.replace(folder / _STATE)

    try:
        yield announce
    finally:
        (folder / _STATE).unlink(missing_ok=True)
        shutil.rmtree(work_folder(folder), ignore_errors=True)


def work_folder(folder: Path) -> Path:
    """Return where the cloud's nodes keep their files."""
    return folder / _WORK


def _make_own(folder: Path) -> None:
    """Create a folder that only its owner may read: it holds the nodes' logs and files."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)


def _held(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
