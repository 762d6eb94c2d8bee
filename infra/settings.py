"""The settings of the environment, typed."""

from dataclasses import dataclass

from infra import versions
from infra.emr import INSTANCE_TYPES, Architecture, InstanceType

EU_REGIONS = ("eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3")
OTHER_REGIONS = (
    *("eu-central-2", "eu-west-2"),  # Switzerland and the United Kingdom: in Europe, not in the EU
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "ca-west-1", "sa-east-1"),
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
    *("af-south-1", "il-central-1", "me-central-1", "me-south-1"),
)
NETWORKS = ("private", "private-nat", "public")
SESSION_MANAGER_SERVICES = ("ssm", "ssmmessages")
COST_TAG = ("project", "orchard")
"""Key and value of the tag on all resources: costs are counted and leftover resources found by it."""


@dataclass(frozen=True)
class Settings:
    """The settings of the environment, checked by ``infra.cdk_context``."""

    region: str  # where everything is stored and runs
    allow_non_eu: bool  # whether ``region`` may be outside the European Union
    primary_instance_types: tuple[str, ...]  # of the primary node; EMR takes the cheapest that it can get
    worker_instance_types: tuple[str, ...]  # of core and task nodes; one size, so that one executor size fits
    core_count: int  # core nodes, always on demand
    task_count: int  # task nodes to start with
    spot_share: int  # percentage of the task nodes that are Spot
    idle_minutes: int  # minutes without work after which the cluster ends itself
    # ``private``: S3 only, fixed size. ``private-nat``: the internet through a NAT gateway. ``public``: public
    # addresses, no ingress.
    network: str  # one of ``NETWORKS``
    vpc_id: str  # existing VPC to use, which the stacks do not change; empty to create one
    subnet_ids: tuple[str, ...]  # subnets of that VPC for the nodes; EMR chooses one
    kms_endpoint: bool  # whether a private network has a paid endpoint to KMS
    managed_scaling: bool  # whether EMR adds and removes task nodes by load
    scaling_min: int  # fewest nodes under managed scaling, core nodes included
    scaling_max: int  # most nodes under managed scaling, core nodes included
    session_manager: bool  # whether Session Manager may open a shell and forward ports
    jupyterhub: bool  # whether the cluster runs JupyterHub, with its notebooks in the data bucket
    live_logs: bool  # whether EMR sends the logs of steps to CloudWatch while they run
    visual_words: bool  # whether the nodes get OpenCV, which ``--descriptor orb`` and ``sift`` need
    step_concurrency: int  # steps that may run at the same time
    tls_certificates: str  # ``s3://`` URI of a zipped PEM bundle that encrypts traffic between nodes; or empty
    generation: int  # raise it to replace a cluster that ended itself
    evaluator: bool  # whether the read-only evaluator exists
    evaluator_key_serial: int  # raise it to rotate the evaluator's key
    monthly_budget: int  # in US dollars
    alert_email: str  # receives the budget's alerts; empty for no budget
    cost_tag_active: bool  # whether the cost-allocation tag is active, so that the budget counts this project alone
    log_retention_days: int  # days until logs are deleted
    results_archive_days: int  # days until results move to a cheaper storage class
    delete_data: bool  # ``cdk destroy`` deletes the buckets only if this
    confirm_delete_data: bool  # and this are true

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
    def endpoint_services(self) -> tuple[str, ...]:
        """AWS services that nodes reach by interface endpoints, which cost by the hour; none where there is a way out.

        JupyterHub reads its password through Systems Manager, so it needs no endpoint to Secrets Manager.
        """
        if self.network != "private" or self.vpc_id:
            return ()
        wanted = {"kms": self.kms_endpoint, "logs": self.live_logs}
        services = [name for name, needed in wanted.items() if needed]
        return (*services, *(SESSION_MANAGER_SERVICES if self.session_manager else ()))

    @property
    def may_buy_spot(self) -> bool:
        """Whether EMR may buy Spot nodes, now or at a resize."""
        return self.task_count > 0 and (self.spot_share > 0 or self.managed_scaling)

    @property
    def may_delete_data(self) -> bool:
        """Whether both switches that let data be deleted are set."""
        return self.delete_data and self.confirm_delete_data
