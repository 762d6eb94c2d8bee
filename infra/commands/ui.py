"""``orchard ui``: print links to Spark's web pages, and how to open JupyterHub."""

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from infra import invocation
from infra.aws import Aws, explained
from infra.commands import Command
from infra.context import Context
from infra.errors import WrongUseError
from infra.runs import clusters, history
from job.errors import OrchardError

JUPYTERHUB_PORT = 9443
"""Where EMR's JupyterHub listens on the primary node (EMR Release Guide)."""

SECONDS_BETWEEN_LOOKS = 5.0
LOOKS_FOR_PAGES = 12
"""A minute: EMR starts the pages at the first request."""


def execute(_given: argparse.Namespace, context: Context) -> int:
    """Print links to Spark's pages, signed for this caller, and the command that opens a port to JupyterHub."""
    aws = context.aws
    cluster = clusters.look(aws, history.cluster_of(aws, None))
    clusters.require_known(cluster)
    if aws.on_this_machine:
        raise WrongUseError(
            "Spark's pages require a cluster on AWS, got one of a cloud on this machine.",
            f"Read the run's log: {invocation.orchard('logs')}",
        )
    context.say("Spark's history, available for 30 days after the cluster has ended:")
    context.say(f"  {_link(lambda: history_link(context, cluster.id))}")
    if not cluster.alive:
        return 0
    context.say("Spark's pages on the cluster:")
    context.say(f"  {_link(lambda: live_link(context, cluster.id))}")
    context.say("JupyterHub, if the settings session_manager and jupyterhub are true:")
    instance = primary_instance(aws, cluster.id)
    if instance is None:
        context.say(
            f"  the cluster is {cluster.state} and has no primary node yet; try again later: {invocation.orchard('ui')}"
        )
        return 0
    context.say(f"  {port_forwarding(aws, instance)}")
    context.say(f"  then open https://127.0.0.1:{JUPYTERHUB_PORT}")
    return 0


def _link(make: Callable[[], str]) -> str:
    """Return a link, or why there is none: one page that does not open must not hide the others."""
    try:
        return make()
    except OrchardError as error:
        return f"{error.message} [{error.code}] {error.hint}"


def history_link(context: Context, cluster: str) -> str:
    """Return a link to the persistent Spark history of a cluster."""
    emr = context.aws.emr
    with explained(f"open the Spark history of the cluster {cluster}"):
        arn = emr.describe_cluster(ClusterId=cluster)["Cluster"]["ClusterArn"]
        made = emr.create_persistent_app_ui(TargetResourceArn=arn)["PersistentAppUIId"]
        return _when_ready(
            context,
            lambda: emr.get_persistent_app_ui_presigned_url(PersistentAppUIId=made, PersistentAppUIType="SHS"),
        )


def live_link(context: Context, cluster: str) -> str:
    """Return a link to the Spark history server on a living cluster."""
    emr = context.aws.emr
    with explained(f"open the pages of the cluster {cluster}"):
        return _when_ready(
            context,
            lambda: emr.get_on_cluster_app_ui_presigned_url(ClusterId=cluster, OnClusterAppUIType="SparkHistoryServer"),
        )


def _when_ready(context: Context, ask: Callable[[], Mapping[str, Any]]) -> str:
    """Return the link that EMR gives once it has started the page behind it."""
    for _ in range(LOOKS_FOR_PAGES):
        answer = ask()
        if answer.get("PresignedURL"):
            return str(answer["PresignedURL"])
        context.sleep(SECONDS_BETWEEN_LOOKS)
    return f"not ready yet; try again in a minute: {invocation.orchard('ui')}"


def primary_instance(aws: Aws, cluster: str) -> str | None:
    """Return the EC2 id of a cluster's primary node; None while it has none."""
    with explained(f"find the primary node of the cluster {cluster}"):
        nodes = aws.emr.list_instances(
            ClusterId=cluster, InstanceFleetType="MASTER", InstanceStates=["RUNNING", "BOOTSTRAPPING"]
        )["Instances"]
    return nodes[0]["Ec2InstanceId"] if nodes else None


def port_forwarding(aws: Aws, instance: str) -> str:
    """Return the command that forwards a node's JupyterHub to this machine, through Session Manager."""
    return aws.typed(
        f"ssm start-session --target {instance} --document-name AWS-StartPortForwardingSession "
        f"--parameters portNumber={JUPYTERHUB_PORT},localPortNumber={JUPYTERHUB_PORT}"
    )


COMMAND = Command(
    name="ui",
    summary="print links to Spark's web pages and to JupyterHub",
    example="orchard ui",
    add_arguments=lambda _: None,
    execute=execute,
)
