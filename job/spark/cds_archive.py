"""Let Java start Spark in half the time with a CDS archive: the needed classes, ready to be mapped into memory.

Without it Java reads thousands of classes out of Spark's jars and checks each, at every start. The archive belongs to
one Java and one list of jars, so set-up makes it on the machine that will use it. Java ignores an archive that does not
fit. Source: JEP 350, Dynamic CDS Archives.
"""

import sys
from pathlib import Path

import pyspark

FOLDER = Path(sys.prefix) / "share" / "orchard"
"""Inside the environment whose jars it belongs to."""


def find(folder: Path = FOLDER) -> Path | None:
    """Return this Spark's archive if it is complete: part of one would crash Java."""
    for archive in folder.glob(f"spark-{pyspark.__version__}-*.jsa"):
        if archive.name == name_of(archive):
            return archive
    return None


def name_of(archive: Path) -> str:
    """Return the name of a complete archive of this Spark, which contains its size in bytes."""
    return f"spark-{pyspark.__version__}-{archive.stat().st_size}.jsa"


def java_options(archive: Path | None) -> list[str]:
    """Return the options with which Java uses an archive."""
    if archive is None:
        return []
    # Check its checksum, and ignore silently an archive that does not fit this Java: it costs time only.
    return [f"-XX:SharedArchiveFile={archive}", "-XX:+VerifySharedSpaces", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
