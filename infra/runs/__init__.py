"""Start, follow, diagnose and fetch runs."""

from infra.runs import clusters, fetch, history, logs, notebook, preflight
from infra.runs import plan as plans
from infra.runs import step as steps
from infra.runs.backbone import find_backbone
from infra.runs.clusters import Cluster
from infra.runs.diagnose import Diagnosis, diagnose_step, explain_cluster
from infra.runs.fetch import RunFiles
from infra.runs.follow import follow_step, read_progress
from infra.runs.history import Node, mean_cores, newest_cluster, newest_runs, nodes_of, run_history
from infra.runs.plan import Plan
from infra.runs.preflight import PhotosFound
from infra.runs.step import Step

__all__ = [
    "Cluster",
    "Diagnosis",
    "Node",
    "PhotosFound",
    "Plan",
    "RunFiles",
    "Step",
    "clusters",
    "diagnose_step",
    "explain_cluster",
    "fetch",
    "find_backbone",
    "follow_step",
    "history",
    "logs",
    "mean_cores",
    "newest_cluster",
    "newest_runs",
    "nodes_of",
    "notebook",
    "plans",
    "preflight",
    "read_progress",
    "run_history",
    "steps",
]
