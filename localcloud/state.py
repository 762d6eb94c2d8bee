"""Whether a local cloud stands on this machine, where, and what starts and ends it.

A cloud is a process of its own. It holds a lock on a file for as long as it lives, and the kernel takes the lock back
however it ends: nobody mistakes another process, which was given the same number later, for a cloud.
"""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from localcloud.errors import LocalCloudError, LocalCloudStateError, NoPortError
from localcloud.host import BARE, Host

USUAL_PORT = 5055

SECONDS_BETWEEN_LOOKS = 0.1
START_LOOKS = 600
"""A minute: a machine under load imports slowly."""
END_LOOKS = 100
"""Ten seconds, then the process is ended without being asked."""

_STATE, _LOCK, _LOG, _WORK = "state.json", "lock", "cloud.log", "work"


@dataclass(frozen=True)
class Standing:
    """A local cloud that answers.

    ``endpoint`` looks like ``http://127.0.0.1:5055``; ``since`` is UTC in ISO 8601.
    """

    endpoint: str
    process: int
    since: str


def home(environment: Mapping[str, str]) -> Path:
    """Return the folder of this person's local cloud: below ``XDG_STATE_HOME``, else below ``~/.local/state``."""
    state = environment.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "orchard" / "local-cloud"


def find(folder: Path) -> Standing | None:
    """Return the cloud that stands, None where there is none (or where it does not answer yet)."""
    if not _held(folder):
        return None
    try:
        return Standing(**json.loads((folder / _STATE).read_text()))
    except FileNotFoundError:
        return None


def require(folder: Path) -> Standing:
    """Return the cloud that stands; raise LocalCloudStateError where there is none."""
    found = find(folder)
    if found is None:
        raise LocalCloudStateError("No local cloud stands on this machine.", "Start it: orchard local up")
    return found


def start(folder: Path, port: int, sleep: Callable[[float], None], host: Host = BARE) -> Standing:
    """Start a cloud that goes on when this process ends; return it once it answers."""
    _make_own(folder)
    log = folder / _LOG
    command = [
        *(sys.executable, "-m", "localcloud.server", "--port", str(_free(port)), "--folder", str(folder)),
        *("--java-home", host.java_home, "--cluster-python", host.cluster_python),
    ]
    project = Path(__file__).resolve().parent.parent
    with log.open("w") as output:
        # A session of its own: Ctrl-C in the terminal is for the command, not for the cloud.
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
    last = (log.read_text().strip().splitlines() or ["it printed nothing"])[-1]
    raise LocalCloudError(f"The local cloud did not start: {last}", f"Its whole output is in {log}")


def stop(folder: Path, sleep: Callable[[float], None]) -> Standing | None:
    """End the cloud that stands and remove what it kept; return what stood, None where there was nothing.

    Also removes what a cloud that was killed has left.
    """
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
def stand(folder: Path) -> Iterator[Callable[[Standing], None]]:
    """Hold the folder for the cloud in this process; what is yielded makes known that the cloud answers."""
    _make_own(folder)
    # Let go by the kernel alone, when the process has ended: who waits for the lock waits for the process.
    lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise LocalCloudStateError("A local cloud stands already.", "Use it, or end it: orchard local down") from error
    # What is here was left by a cloud that was killed.
    (folder / _STATE).unlink(missing_ok=True)
    shutil.rmtree(work_folder(folder), ignore_errors=True)
    work_folder(folder).mkdir()

    def announce(standing: Standing) -> None:
        unfinished = folder / f"{_STATE}.new"
        unfinished.write_text(json.dumps(asdict(standing)))
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
    """Make a folder into which nobody else of this machine may look: nodes' logs and files lie in it."""
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


def _free(port: int) -> int:
    """Return the port if nobody listens there, else one that is free at the moment."""
    for each in (port, 0):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", each))
            except OSError:
                continue
            return int(trial.getsockname()[1])
    raise NoPortError(f"No port of 127.0.0.1 is free, {port} neither.", "End a program that holds one.")
