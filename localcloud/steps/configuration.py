"""Spark's configuration on this machine: the cluster's classifications, with sizes that fit.

One machine replaces the whole cluster, and Spark runs in local mode: driver and executor are one process with the
driver's heap. Only sizes change; every other setting is the cluster's.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MIB_OF = {"k": 1 / 1024, "m": 1, "g": 1024, "t": 1024 * 1024}
LEAST_HEAP = 1024
"""MiB. Spark refuses to start with less than half of it."""
ATTEMPTS = 4
"""Of a task, as on a cluster; plain local[N] gives up at the first failure."""

OWN = {
    # Listen only on an address that other machines cannot reach.
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
"""Settings for one machine, in addition to the cluster's."""


@dataclass(frozen=True)
class Machine:
    """The processors of a machine, and its memory in MiB."""

    cores: int
    memory: int

    @classmethod
    def this(cls) -> "Machine":
        """Return the machine that this runs on."""
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return cls(os.cpu_count() or 1, pages // 1024**2)


@dataclass(frozen=True)
class Configuration:
    """How Spark is configured on a node; ``replaced`` lists the differences from the cluster's configuration."""

    defaults: Mapping[str, str]
    environment: Mapping[str, str]
    replaced: Sequence[str]

    @property
    def file(self) -> str:
        """The content of ``spark-defaults.conf``."""
        return "".join(f"{name} {_escaped(value)}\n" for name, value in sorted(self.defaults.items()))


def configure(
    classifications: Sequence[Mapping[str, Any]], machine: Machine, place: Callable[[str], str]
) -> Configuration:
    """Return how Spark is configured on a machine; ``place`` turns a node's path into one on this machine."""
    asked = properties(classifications, "spark-defaults")
    sized = {name: value for name, value in sizes(asked, machine).items() if asked.get(name) != value}
    defaults = {name: place(value) for name, value in asked.items()} | sized | OWN
    exported = properties(_nested_in_spark_env(classifications), "export")
    replaced = [f"{name} {asked[name]} by {value}" for name, value in sorted(sized.items()) if name in asked]
    master = f"spark.master {asked.get('spark.master', 'yarn')} by {sized['spark.master']}"
    return Configuration(
        defaults, {name: place(value) for name, value in exported.items()}, sorted({*replaced, master})
    )


def sizes(asked: Mapping[str, str], machine: Machine) -> dict[str, str]:
    """Return the settings that depend on how large the machine is."""
    # A task's Python process is as large as its share of the heap: leave half of the machine to them.
    wanted = mebibytes(asked.get("spark.driver.memory", "1g")) + mebibytes(asked.get("spark.executor.memory", "0"))
    heap = max(LEAST_HEAP, min(wanted, machine.memory // 4))
    return {
        "spark.master": f"local[{machine.cores},{ATTEMPTS}]",
        "spark.driver.memory": f"{heap}m",
        "spark.driver.maxResultSize": f"{heap // 2}m",
        # Programs read these to learn how many tasks run at the same time.
        "spark.executor.cores": str(machine.cores),
        "spark.executor.memory": f"{heap}m",
        "spark.dynamicAllocation.enabled": "false",
        **{f"spark.dynamicAllocation.{each}Executors": "1" for each in ("min", "initial", "max")},
    }


def mebibytes(size: str) -> int:
    """Return a size as Spark writes memory (``4g``, ``512m``; bytes where it has no letter) in MiB."""
    text = size.strip().lower().removesuffix("b")
    if text[-1:] in MIB_OF:
        return int(float(text[:-1]) * MIB_OF[text[-1]])
    return int(text or 0) // 1024**2


def properties(classifications: Sequence[Mapping[str, Any]], name: str) -> dict[str, str]:
    """Return the properties of all classifications of a name; later ones win."""
    found: dict[str, str] = {}
    for each in classifications:
        if each["Classification"] == name:
            found |= each.get("Properties", {})
    return found


def _nested_in_spark_env(classifications: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    chosen = [each for each in classifications if each["Classification"] == "spark-env"]
    return [inner for each in chosen for inner in each.get("Configurations", ())]


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")


def write(configuration: Configuration, folder: Path) -> None:
    """Write ``spark-defaults.conf`` into a folder, which is then Spark's configuration folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spark-defaults.conf").write_text(configuration.file)
