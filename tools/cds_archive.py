"""Create the class-data-sharing (CDS) archive that halves the start of Spark; `make setup` runs this module."""

import tempfile
from pathlib import Path

from pyspark import SparkConf, SparkContext

from job.spark import cds_archive, gateway, session


def make(folder: Path = cds_archive.FOLDER) -> Path:
    """Start Spark as a run does, and replace the archive in a folder with one of the classes that Java loaded.

    Raises
    ------
    OSError
        If Java wrote no archive.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for older in folder.glob("spark-*.jsa"):
        older.unlink()
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        written = Path(temporary) / "classes.jsa"
        settings = session.own_session([f"-XX:ArchiveClassesAtExit={written}", "-Xlog:disable"])
        session.provide_java()
        java = gateway.Java(settings)
        java.connect()
        context = SparkContext(session.ALL_CORES, "orchard", conf=SparkConf().setAll(list(settings.items())))
        # The classes of Spark ML too would triple its size.
        context.parallelize(range(2), 2).map(str).collect()
        session.stop(context)
        # Java writes the archive when it ends.
        java.process.communicate()
        return written.rename(folder / cds_archive.name_of(written))


if __name__ == "__main__":
    make()
