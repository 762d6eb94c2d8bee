"""What the nodes of the local cloud take from this machine."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Host:
    """What the nodes' commands run on."""

    java_home: str = ""
    cluster_python: str = ""


BARE = Host()
"""Runs neither Java nor the cluster's Python."""
