"""Makes the archive of classes with which Java starts Spark in half the time, for `make setup`.

python -m tools.cds_archive
"""

import tempfile
from pathlib import Path
from typing import Any

from pyspark import SparkConf, SparkContext

from job.spark import cds_archive, session


def make(folder: Path = cds_archive.FOLDER) -> Path:
    """Start Spark as a run does, have Java write down which classes that took, and return the archive.

    Parameters
    ----------
    folder
        Where it goes, in place of any that is there.

    Raises
    ------
    OSError
        If Java has written none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for older in folder.glob("spark-*.jsa"):
        older.unlink()
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        written = Path(temporary) / "classes.jsa"
        settings = session.own_session([f"-XX:ArchiveClassesAtExit={written}", "-Xlog:disable"])
        session.provide_java()
        context = SparkContext(session.ALL_CORES, "orchard", conf=SparkConf().setAll(list(settings.items())))
        # Training a classifier loads as many classes again; an archive of all would be three times as large.
        context.parallelize(range(2), 2).map(str).collect()
        _end(context)
        return written.rename(folder / cds_archive.name_of(written))


def _end(context: SparkContext) -> None:
    """Stop Spark and wait for the end of its Java, which writes the archive then."""
    gateway: Any = context._gateway
    session.stop(context)
    gateway.proc.stdin.close()
    gateway.proc.wait()


if __name__ == "__main__":
    make()
