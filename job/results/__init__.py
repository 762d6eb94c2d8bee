"""Name, write and read the files of a results folder.

``bar``, ``lease``, ``output``, ``progress``, ``resume`` and ``tables`` are public too; some need Spark.
"""

from job.results import layout
from job.results.layout import (
    EXPLAINED_VARIANCE,
    LAYOUT,
    MANIFEST,
    OBJECTS,
    PROGRESS,
    REPORT,
    DataFile,
    installed_version,
    listed_files,
    read_manifest,
)

__all__ = [
    "EXPLAINED_VARIANCE",
    "LAYOUT",
    "MANIFEST",
    "OBJECTS",
    "PROGRESS",
    "REPORT",
    "DataFile",
    "installed_version",
    "layout",
    "listed_files",
    "read_manifest",
]
