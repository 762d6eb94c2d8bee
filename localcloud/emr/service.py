"""The clusters of the local cloud, kept where moto keeps its own, and their roles in moto's IAM."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.emr.models import emr_backends
from moto.iam.models import iam_backends

from localcloud.emr.cluster import Cluster
from localcloud.emr.validation import invalid, invalid_request


@dataclass(frozen=True)
class Call:
    """A request to EMR."""

    request: Mapping[str, Any]
    account: str
    region: str
    now: datetime

    @property
    def backend(self) -> Any:  # noqa: ANN401 - its attributes are moto's own
        """Moto's EMR of this account and region."""
        return emr_backends[self.account][self.region]

    @property
    def clusters(self) -> dict[str, Cluster]:
        """Every cluster of the account and region by id, oldest first."""
        clusters: dict[str, Cluster] = self.backend.clusters
        return clusters

    @property
    def cluster(self) -> Cluster:
        """The cluster that the request names."""
        wanted = self.request.get("ClusterId") or self.request.get("ResourceId")
        if wanted in self.clusters:
            return self.clusters[wanted]
        if "JobFlowId" in self.request:
            if self.request["JobFlowId"] in self.clusters:
                return self.clusters[self.request["JobFlowId"]]
            raise invalid("Specified job flow ID not valid.")
        raise invalid_request(f"Cluster id '{wanted}' is not valid.")

    @property
    def job_flows(self) -> list[Cluster]:
        """The clusters that the request names by ``JobFlowIds``."""
        wanted = self.request["JobFlowIds"]
        if any(each not in self.clusters for each in wanted):
            raise invalid("Specified job flow ID does not exist.")
        return [self.clusters[each] for each in wanted]


def all_clusters() -> list[Cluster]:
    """Return every cluster of every account and region."""
    found: list[Any] = [
        cluster
        for account in list(emr_backends.values())
        for backend in list(account.values())
        for cluster in list(backend.clusters.values())
    ]
    return [cluster for cluster in found if isinstance(cluster, Cluster)]


def role_of_profile(account: str, profile: str) -> str | None:
    """Return the ARN of the role in an instance profile; None if there is no such profile, or no role in it."""
    iam: Any = iam_backends[account]["aws"]
    for each in iam.instance_profiles.values():
        if each.name == profile and each.roles:
            return str(each.roles[0].arn)
    return None


def what_is_wrong(cluster: Cluster) -> str:
    """Return the fault that EMR finds only while it starts a cluster, in its words; empty without one."""
    role = str(cluster.request["ServiceRole"])
    iam: Any = iam_backends[cluster.account]["aws"]
    if any(role in (each.name, each.arn) for each in iam.roles.values()):
        return ""
    arn = role if role.startswith("arn:") else f"arn:aws:iam::{cluster.account}:role/{role}"
    return f"EMR service role {arn} is invalid"


def now() -> datetime:
    """Return the time as moto writes it into answers: UTC, without a time zone."""
    return datetime.now(UTC).replace(tzinfo=None)
