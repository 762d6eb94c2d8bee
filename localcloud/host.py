"""What the nodes of the local cloud take from this machine."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Host:
    """What the nodes' commands run on.

    Parameters
    ----------
    java_home
        Home of the Java that Spark runs on; empty if there is none.
    cluster_python
        Path of the Python on a cluster's nodes, which the interpreter of the cloud stands for.
    """

    java_home: str = ""
    cluster_python: str = ""


BARE = Host()
"""Runs neither Java nor the cluster's Python."""
