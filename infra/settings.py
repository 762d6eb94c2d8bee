"""The settings of the environment, typed: everything that can be chosen about it."""

from dataclasses import dataclass

from infra import versions
from infra.emr.instance_types import INSTANCE_TYPES, Architecture, InstanceType

EU_REGIONS = ("eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3")
OTHER_REGIONS = (
    *("eu-central-2", "eu-west-2"),  # Switzerland and the United Kingdom: in Europe, not in the EU
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "ca-west-1", "sa-east-1"),
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
    *("af-south-1", "il-central-1", "me-central-1", "me-south-1"),
)
NETWORKS = ("private", "private-nat", "public")
COST_TAG = ("project", "orchard")
"""Key and value of the tag on everything that costs: costs are counted by it, and what is left is found by it."""


@dataclass(frozen=True)
class Settings:
    """What was chosen. The values are sound: ``infra.cdk_context`` is the door that checks them.

    Attributes
    ----------
    region
        Where everything lies and runs.
    allow_non_eu
        Whether ``region`` may lie outside the European Union.
    primary_instance_types
        Types for the primary node; EMR takes the cheapest that it can get.
    worker_instance_types
        Types for core and task nodes, all of one size, so that one executor size fits each.
    core_count
        Core nodes, always on demand.
    task_count
        Task nodes to start with.
    spot_share
        Percentage of the task nodes that are Spot.
    idle_minutes
        Minutes without work after which the cluster ends itself.
    network
        ``private``: no way out but to S3, fixed size. ``private-nat``: the internet through a NAT gateway.
        ``public``: public addresses, no ingress.
    managed_scaling
        Whether EMR adds and removes task nodes by load.
    scaling_min, scaling_max
        Limits of managed scaling, in nodes, the core nodes included.
    session_manager
        Whether a shell and port forwarding by Session Manager are possible.
    jupyterhub
        Whether the cluster runs JupyterHub, with its notebooks in the data bucket.
    visual_words
        Whether the nodes get OpenCV, which the job's ``--descriptor orb`` and ``sift`` need.
    reduced_precision
        Whether the nodes get OpenVINO, which the job's ``--precision fast`` needs.
    step_concurrency
        Steps that may run at the same time.
    tls_certificates
        ``s3://`` URI of a zipped PEM bundle; given, traffic between nodes is encrypted.
    generation
        Raise it to replace a cluster that ended itself.
    evaluator
        Whether the read-only evaluator exists.
    evaluator_key_serial
        Raise it to rotate the evaluator's key.
    monthly_budget
        In US dollars.
    alert_email
        Who is told when the budget is used up; empty for no budget.
    cost_tag_active
        Whether the cost-allocation tag has been activated, so that the budget can count this project alone.
    log_retention_days
        Days until logs are deleted.
    results_archive_days
        Days until results go to a cheaper storage class.
    delete_data, confirm_delete_data
        Only both together let ``cdk destroy`` delete the buckets.
    """

    region: str
    allow_non_eu: bool
    primary_instance_types: tuple[str, ...]
    worker_instance_types: tuple[str, ...]
    core_count: int
    task_count: int
    spot_share: int
    idle_minutes: int
    network: str
    managed_scaling: bool
    scaling_min: int
    scaling_max: int
    session_manager: bool
    jupyterhub: bool
    visual_words: bool
    reduced_precision: bool
    step_concurrency: int
    tls_certificates: str
    generation: int
    evaluator: bool
    evaluator_key_serial: int
    monthly_budget: int
    alert_email: str
    cost_tag_active: bool
    log_retention_days: int
    results_archive_days: int
    delete_data: bool
    confirm_delete_data: bool

    @property
    def architecture(self) -> Architecture:
        """The processor architecture of every node."""
        return INSTANCE_TYPES[self.worker_instance_types[0]].architecture

    @property
    def optional_libraries(self) -> tuple[str, ...]:
        """Which of ``versions.OPTIONAL`` the nodes get."""
        return tuple(name for name in versions.OPTIONAL if getattr(self, name))

    @property
    def worker(self) -> InstanceType:
        """The size of every core and task node, given by the first type named."""
        return INSTANCE_TYPES[self.worker_instance_types[0]]

    @property
    def most_workers(self) -> int:
        """How many core and task nodes there can be at the same time."""
        return self.scaling_max if self.managed_scaling else self.core_count + self.task_count

    @property
    def may_delete_data(self) -> bool:
        """Whether both switches that let data be deleted are set."""
        return self.delete_data and self.confirm_delete_data
