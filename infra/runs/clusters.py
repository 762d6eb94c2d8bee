"""The state of a cluster: whether it lives, and if not, how it ended."""

import re
from dataclasses import dataclass

from botocore.exceptions import ClientError

from infra.aws.client import Aws, explained
from infra.errors import ClusterUnfitError

ALIVE = ("STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING")
ENDED = ("TERMINATED", "TERMINATED_WITH_ERRORS")

NAME = re.compile(r"orchard-(\d+)")
"""As the stack OrchardCluster names its clusters: after the generation."""

FORGOTTEN = "it forgets a cluster two months after its end"
"""Why a cluster that ended long ago has no reason, no name and no logs any more."""


@dataclass(frozen=True)
class Cluster:
    """A cluster as EMR describes it now."""

    id: str
    name: str
    state: str
    reason: str  # why it is in this state, in EMR's words; empty where EMR says nothing
    log_uri: str  # where its logs go, with a slash at the end; empty where they go nowhere
    has_fleets: bool = False

    @property
    def alive(self) -> bool:
        """Whether it takes steps, now or once it has started."""
        return self.state in ALIVE

    @property
    def forgotten(self) -> bool:
        """Whether EMR no longer knows it, nor what it ran."""
        return not self.name

    @property
    def generation(self) -> int:
        """The setting that its name was made from; a higher one makes CloudFormation replace it."""
        match = NAME.fullmatch(self.name)
        return int(match.group(1)) if match else 1


def look(aws: Aws, cluster_id: str) -> Cluster:
    """Return a cluster as it is now; one that EMR has forgotten has ended, and nothing more is known of it."""
    with explained(f"look at the cluster {cluster_id}"):
        try:
            described = aws.emr.describe_cluster(ClusterId=cluster_id)["Cluster"]
        except ClientError as error:
            if "is not valid" in error.response["Error"].get("Message", ""):
                return Cluster(cluster_id, "", "TERMINATED", f"EMR knows no more, {FORGOTTEN}", "")
            raise
    status = described["Status"]
    change = status.get("StateChangeReason", {})
    reason = ": ".join(filter(None, [change.get("Code", ""), change.get("Message", "")]))
    log_uri = described.get("LogUri", "").replace("s3n://", "s3://")
    return Cluster(
        cluster_id,
        described["Name"],
        status["State"],
        reason,
        log_uri and log_uri.rstrip("/") + "/",
        described.get("InstanceCollectionType") == "INSTANCE_FLEET",
    )


def require_known(cluster: Cluster) -> None:
    """Raise WrongUseError if EMR can tell nothing of a cluster any more."""
    if cluster.forgotten:
        raise ClusterUnfitError(
            f"EMR knows nothing of the cluster {cluster.id}: {FORGOTTEN}.", "Make a new one: orchard up"
        )


def require_alive(cluster: Cluster) -> None:
    """Raise WrongUseError if a cluster takes no steps any more."""
    if cluster.alive:
        return
    because = f" ({cluster.reason})" if cluster.reason else ""
    raise ClusterUnfitError(
        f"The cluster {cluster.id} has ended: {cluster.state}{because}. Its stack still stands.",
        "Make a new one: orchard up",
    )
