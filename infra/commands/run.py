"""``orchard run``: checks everything first, sends what changed, attaches the step and follows it."""

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.aws import nearest_name, require_name, stacks
from infra.aws.client import Aws
from infra.commands.command import Command
from infra.commands.destroy import destroy_cluster
from infra.commands.estimate import estimate_line
from infra.commands.follow_run import follow_to_the_end
from infra.context import Context
from infra.errors import (
    RunRefusedError,
    WrongUseError,
)
from infra.runs import clusters, preflight
from infra.runs import step as steps
from infra.runs.clusters import Cluster
from infra.runs.preflight import PhotosFound
from infra.runs.step import Step
from infra.upload import content_addressed, set_uri
from job import arguments as job_arguments
from job.arguments import Arguments
from job.errors import OrchardError
from job.features.network.export import ExportRequest, cached_export


@dataclass(frozen=True)
class Run:
    """A run as it was asked for.

    Parameters
    ----------
    name
        Of the run.
    bucket
        The data bucket.
    arguments
        Of the job, without the backbone.
    """

    name: str
    bucket: str
    arguments: tuple[str, ...]

    @property
    def results_key(self) -> str:
        """Where the results go in the data bucket."""
        return f"results/{self.name}"

    @property
    def output(self) -> str:
        """Where the results go."""
        return f"s3://{self.bucket}/{self.results_key}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``orchard run``; all others are the job's."""
    parser.add_argument("--images", metavar="SET", required=True, help="uploaded photos to fit on")
    parser.add_argument("--test", metavar="SET", help="uploaded photos to test")
    parser.add_argument("--predict", metavar="SET", help="uploaded photos to predict")
    parser.add_argument("--name", help="of the results (default: the time in UTC)")
    parser.add_argument("--model", metavar="URI", help="an exported backbone that is in S3 already")
    parser.add_argument("--backbone", default="mobilenet_v2", help="exported here, sent once (default: %(default)s)")
    parser.add_argument("--weights", default="imagenet", help="imagenet, FILE or random (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of random draws (default: %(default)s)")
    parser.add_argument("--detach", action="store_true", help="do not wait for the end")
    parser.add_argument("--then-destroy", action="store_true", help="destroy the cluster when the run has ended")


def execute(given: argparse.Namespace, context: Context) -> int:
    """Run the job on the cluster; return 0 only if it completed and its manifest is there."""
    if given.detach and given.then_destroy:
        raise WrongUseError("--detach and --then-destroy contradict each other.", "Leave one of them out.")
    aws = context.aws
    run = plan(given, stacks.data_bucket(aws), context.clock())
    cluster = clusters.look(aws, stacks.cluster_id(aws))
    clusters.require_alive(cluster)
    if run.name in steps.active_runs(aws, cluster.id):
        raise RunRefusedError(
            f"A run '{run.name}' waits or runs already on the cluster {cluster.id}.",
            f"Follow it: orchard status {run.name} --follow, or choose another --name.",
        )
    checked = check_arguments(given, run)
    photos = PhotosFound(0, 0)
    for uri in filter(None, [checked.images, checked.test, checked.predict]):
        found = preflight.require_photos(aws, uri)
        photos = PhotosFound(photos.count + found.count, photos.bytes + found.bytes)
        context.say(f"{uri}: {found.count:,} photos, {found.bytes / 2**20:,.0f} MiB")
    if given.model is not None:
        preflight.require_model(aws, given.model)
    if not (checked.overwrite or checked.resume):
        preflight.require_no_results(aws, run.bucket, run.results_key)
    context.say(estimate_line(context, photos))
    step = send_and_attach(given, context, run, cluster)
    if given.detach:
        context.say(f"Follow it: orchard status {run.name} --follow")
        return 0
    try:
        return follow_to_the_end(context, run.bucket, run.results_key, step, cluster)
    finally:
        if given.then_destroy:
            destroy_when_idle(context, cluster)


def plan(given: argparse.Namespace, bucket: str, now: float) -> Run:
    """Return the run that was asked for; names of sets become URIs in the data bucket."""
    name = given.name or time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    require_name(name, "--name", f"Name it: --name {nearest_name(name, 'first')}")
    words = [*own_arguments(given, bucket), *given.job_arguments, "--output", f"s3://{bucket}/results/{name}"]
    return Run(name, bucket, tuple(words))


def own_arguments(given: argparse.Namespace, bucket: str) -> list[str]:
    """Return what ``orchard run`` itself takes of the job's arguments, but for the backbone."""
    words = ["--images", set_uri(bucket, given.images)]
    for option in ("test", "predict"):
        value = getattr(given, option)
        words += [f"--{option}", set_uri(bucket, value)] if value else []
    return [*words, "--seed", str(given.seed)]


def check_arguments(given: argparse.Namespace, run: Run) -> Arguments:
    """Return the job's arguments as its own parser reads them.

    Raises
    ------
    UsageError
        If the job would refuse them.
    WrongUseError
        If they ask for what ``orchard run`` decides: where the job runs, and where it reads and writes.
    """
    backbone = ["--backbone", given.backbone, "--weights", given.weights]
    own = [*own_arguments(given, run.bucket), "--output", run.output, *backbone]
    # Abbreviations and the form with "=" are the parser's matter: what it makes of them is compared.
    asked, last = job_arguments.parse(own), job_arguments.parse([*own, *given.job_arguments])
    if last.master is not None:
        raise WrongUseError(
            f"--master {last.master} is not for orchard run: the job runs on the cluster.",
            "Leave it out. On this machine: python -m job",
        )
    if last.output != run.output:
        raise WrongUseError(
            f"--output {last.output} is not for orchard run: the results go to {run.output}.",
            "Leave it out, and name the results: --name NAME",
        )
    for name in ("images", "test", "predict", "seed", "model", "backbone", "weights"):
        if getattr(last, name) != getattr(asked, name):
            raise WrongUseError(f"--{name} is written in a way that is not understood.", f"Write it in full: --{name}")
    return last


def send_and_attach(given: argparse.Namespace, context: Context, run: Run, cluster: Cluster) -> Step:
    """Send backbone and code where they are not there yet, and attach the step."""
    aws = context.aws
    model = given.model
    if model is None:
        exported = cached_export(ExportRequest(given.backbone, given.weights, given.seed))
        placed = content_addressed.place_model(aws, run.bucket, exported)
        model = placed.uri
        context.say(f"Backbone {model}: {'sent' if placed.sent else 'there already'}")
    bundle = content_addressed.make_bundle()
    sent = content_addressed.send_bundle(aws, run.bucket, bundle)
    context.say(f"Code {bundle.hash}: {'sent' if sent else 'there already'}")
    archive_uri, main_uri = (f"s3://{run.bucket}/{key}" for key in bundle.keys)
    job_words: Sequence[str] = [*run.arguments, "--model", model]
    spark = spark_settings(aws, cluster)
    configuration = steps.step_configuration(run.name, archive_uri, main_uri, job_words, spark)
    step_id = steps.attach(aws, cluster.id, configuration)
    context.say(f"Run '{run.name}' is step {step_id} of cluster {cluster.id}")
    return steps.look(aws, cluster.id, step_id)


def spark_settings(aws: Aws, cluster: Cluster) -> Mapping[str, str]:
    """Return the settings of Spark that the cluster's own defaults may have outlived: it may have grown since."""
    if not cluster.has_fleets:
        return {}
    fleets = list(clusters.worker_fleets(aws, cluster.id).values())
    most = clusters.most_executors(clusters.scaling_limits(aws, cluster.id), fleets)
    return {} if most is None else {"spark.dynamicAllocation.maxExecutors": str(most)}


def destroy_when_idle(context: Context, cluster: Cluster) -> None:
    """Destroy the cluster, but not under anything that still waits or runs on it, whoever started it."""
    try:
        active = steps.active_runs(context.aws, cluster.id)
    except OrchardError as error:
        # What is being said already matters more than this; but nobody may believe that the cost has ended.
        context.say(f"The cluster stays: {error.message} Destroy it later: orchard destroy")
        return
    if active:
        context.say(f"The cluster stays, for it is busy with: {', '.join(active)}. Destroy it later: orchard destroy")
        return
    destroy_cluster(context)


COMMAND = Command(
    name="run",
    summary="run the job on the cluster and follow it",
    example="orchard run --images fruits/Training --test fruits/Test --variance 0.95 --then-destroy",
    add_arguments=add_arguments,
    execute=execute,
    takes_job_arguments=True,
)
