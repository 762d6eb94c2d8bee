"""Lets Java start Spark in half the time: an archive of the classes that this takes, mapped into memory as they are.

Without it Java reads thousands of classes out of Spark's jars and checks each, at every start. The archive belongs to
one Java and one list of jars, so set-up makes it on the machine that will use it; Java looks itself whether it fits,
and starts as ever where it does not. Source: JEP 350, Dynamic CDS Archives.
"""

import sys
from pathlib import Path

import pyspark

FOLDER = Path(sys.prefix) / "share" / "orchard"
"""It goes with the environment whose jars it knows."""


def find(folder: Path = FOLDER) -> Path | None:
    """Return this Spark's archive, None if there is none that is whole: Java would die of a part of one."""
    for archive in folder.glob(f"spark-{pyspark.__version__}-*.jsa"):
        if archive.name == name_of(archive):
            return archive
    return None


def name_of(archive: Path) -> str:
    """Return the name that an archive has when it is whole: of this Spark, with its size in bytes."""
    return f"spark-{pyspark.__version__}-{archive.stat().st_size}.jsa"


def java_options(archive: Path | None) -> list[str]:
    """Return the options with which Java starts with an archive; none without one."""
    if archive is None:
        return []
    # With its checksum looked at; and quietly, for one that does not fit this Java costs time only.
    return [f"-XX:SharedArchiveFile={archive}", "-XX:+VerifySharedSpaces", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
