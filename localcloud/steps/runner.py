"""Drives the clusters: starts them, runs their bootstrap actions and steps, ends them."""

import logging
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from pathlib import Path

from localcloud.emr import service
from localcloud.emr.cluster import SEND_INTERRUPT, Cluster
from localcloud.emr.step import Step
from localcloud.runtime import Runtime
from localcloud.steps.process import GRACE_SECONDS, ChildProcess, Order, Process
from localcloud.steps.work import Work

SECONDS_BETWEEN_LOOKS = 0.1
MOST_SECONDS_TO_STOP = 30.0

Start = Callable[[Order], Process]
Spawn = Callable[[Callable[[], None]], None]

_log = logging.getLogger(__name__)


class StepRunner:
    """Runs what clusters are asked to run, from ``start`` to ``stop``; ``spawn`` runs a function in the background."""

    def __init__(
        self,
        endpoint: str,
        folder: Path,
        runtime: Runtime,
        *,
        clusters: Callable[[], Iterable[Cluster]] = service.all_clusters,
        clock: Callable[[], datetime] = service.now,
        begin: Start = ChildProcess,
        spawn: Spawn | None = None,
        work: Callable[[Cluster], Work] | None = None,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._stopping = threading.Event()
        self._folder = folder
        self._clusters = clusters
        self._clock = clock
        self._begin = begin
        self._spawn = spawn or self._in_thread
        self._work = work or (lambda cluster: Work(cluster, endpoint, folder / cluster.id, runtime))
        self._sleep = sleep or self._stopping.wait
        self._running: dict[str, Process] = {}
        self._busy: Counter[str] = Counter()
        self._interrupted: dict[str, float] = {}
        self._threads: list[threading.Thread] = []
        self._driver: threading.Thread | None = None

    def start(self) -> None:
        """Drive the clusters in a new thread."""
        # Left by a cloud that was killed.
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        self._driver = threading.Thread(target=self._drive, name="steps", daemon=True)
        self._driver.start()

    def stop(self) -> None:
        """End all processes and the thread; delete the clusters' folders."""
        self._stopping.set()
        deadline = time.monotonic() + MOST_SECONDS_TO_STOP
        for thread in [self._driver, *self._threads]:
            while thread is not None and thread.is_alive() and time.monotonic() < deadline:
                for process in list(self._running.values()):
                    process.kill()
                thread.join(SECONDS_BETWEEN_LOOKS)
        shutil.rmtree(self._folder, ignore_errors=True)

    def look(self) -> None:
        """Advance every cluster once."""
        for cluster in self._clusters():
            try:
                with cluster.lock:
                    self._advance(cluster)
            except Exception:  # noqa: BLE001 - a failure of one cluster must not stop the others; it is logged
                _log.exception("Could not advance cluster %s", cluster.id)

    def _drive(self) -> None:
        while not self._stopping.wait(SECONDS_BETWEEN_LOOKS):
            self.look()

    def _advance(self, cluster: Cluster) -> None:
        now = self._clock()
        if cluster.state == "STARTING":
            wrong = service.what_is_wrong(cluster)
            if wrong:
                cluster.terminate("VALIDATION_ERROR", wrong, now)
            else:
                cluster.bootstrap()
                self._begin_work(cluster, lambda: self._bootstrap(cluster))
        cluster.end_if_done(now)
        for step in cluster.startable():
            cluster.start(step, now)
            self._begin_work(cluster, partial(self._execute, cluster, step))
        self._cancel(cluster)
        if cluster.state == "TERMINATING":
            self._end(cluster)

    def _cancel(self, cluster: Cluster) -> None:
        for step in cluster.steps:
            if step.state != "CANCEL_PENDING" or step.id not in self._running:
                continue
            process = self._running[step.id]
            if step.cancellation != SEND_INTERRUPT:
                process.kill()
            elif step.id not in self._interrupted:
                self._interrupted[step.id] = time.monotonic()
                process.interrupt()
            elif time.monotonic() - self._interrupted[step.id] > GRACE_SECONDS:
                process.kill()

    def _end(self, cluster: Cluster) -> None:
        names = [cluster.id, *(step.id for step in cluster.steps)]
        alive = [self._running[name] for name in names if name in self._running]
        for process in alive:
            process.kill()
        if not self._busy[cluster.id]:
            cluster.finish(self._clock())
            # A node's disks are deleted with it.
            shutil.rmtree(self._folder / cluster.id, ignore_errors=True)

    def _bootstrap(self, cluster: Cluster) -> None:
        work = self._work(cluster)
        message = ""
        try:
            work.prepare()
            for number in range(1, len(work.actions) + 1):
                order = work.bootstrap_order(number)
                code = 1 if order is None else self._run(cluster, cluster.id, order)
                work.end_bootstrap(number, code)
                if code != 0:
                    message = (
                        f"On the master instance ({cluster.primary}), bootstrap action {number} returned a "
                        "non-zero return code"
                    )
                    break
        except Exception as error:  # noqa: BLE001 - the cluster reports any failure
            _log.exception("Could not start cluster %s", cluster.id)
            message = f"On the master instance ({cluster.primary}), the bootstrap actions could not be run: {error}"
        with cluster.lock:
            if cluster.is_ending:
                return
            if message:
                cluster.terminate("BOOTSTRAP_FAILURE", message, self._clock())
            else:
                cluster.become_ready(self._clock())

    def _execute(self, cluster: Cluster, step: Step) -> None:
        work = self._work(cluster)
        try:
            order = work.step_order(step)
            code = 1 if order is None else self._run(cluster, step.id, order)
            failure = work.end_step(step, code)
        except Exception as error:  # noqa: BLE001 - the step reports any failure
            _log.exception("Could not run step %s", step.id)
            code, failure = 1, {"Reason": "Unknown Error.", "Message": str(error)}
        ended = self._clock()
        work.keep_logs(step)
        with cluster.lock:
            self._interrupted.pop(step.id, None)
            if code == 0 and not cluster.is_ending:
                cluster.complete(step, ended)
            else:
                cluster.fail(step, failure, ended)
        # S3 stamps whole seconds, and a reader takes a log stamped after the step's end for complete, as on AWS: upload
        # it again in the second after the end.
        self._sleep(1.0 - self._clock().microsecond / 1e6)
        work.keep_logs(step)
        work.clear(step)

    def _run(self, cluster: Cluster, name: str, order: Order) -> int:
        with cluster.lock:
            if cluster.is_ending or self._stopping.is_set():
                return 1
            process = self._running[name] = self._begin(order)
        try:
            return process.wait()
        finally:
            with cluster.lock:
                del self._running[name]

    def _begin_work(self, cluster: Cluster, function: Callable[[], None]) -> None:
        def work() -> None:
            try:
                function()
            finally:
                with cluster.lock:
                    self._busy[cluster.id] -= 1

        self._busy[cluster.id] += 1
        self._spawn(work)

    def _in_thread(self, function: Callable[[], None]) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=function, daemon=True)
        self._threads.append(thread)
        thread.start()
