"""What Spark forks its Python workers from, on one machine: a process that has loaded what they need, once.

Spark's own daemon takes PySpark out of an archive of sources, which it compiles at each start; each of its workers
loads the job for itself, and reads every archive's list of contents again before each task, Spark's largest jar's too.

python -m job.spark.worker_daemon
"""

import importlib.util
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path


class WithoutPandas(MetaPathFinder):
    """Says that there is no pandas, as on a cluster: pyarrow would take half a second to load it for its types."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:  # noqa: ARG002 - Python's names
        """Raise ModuleNotFoundError for pandas; leave all else to others."""
        if fullname == "pandas":
            raise ModuleNotFoundError("The tasks of this program make no frames of pandas.", name=fullname)


def leave_archives_out() -> None:
    """Have PySpark come from where it is installed, compiled; do nothing where it is in Spark's archives alone."""
    everything = list(sys.path)
    archives = tuple(path for path in everything if Path(path).is_file())
    sys.path[:] = [path for path in everything if path not in archives]
    if any(importlib.util.find_spec(package) is None for package in ("pyspark", "py4j")):
        sys.path[:] = everything
        return
    for path in list(sys.path_importer_cache):
        if path.startswith(archives):
            del sys.path_importer_cache[path]


def main() -> None:
    """Fork workers for as long as Spark asks for some."""
    leave_archives_out()
    sys.meta_path.insert(0, WithoutPandas())
    importlib.import_module("job.features.network.extractor")
    importlib.import_module("pyspark.daemon").manager()


if __name__ == "__main__":
    main()
