"""``orchard run`` and ``orchard predict``: the job on this machine or on the cluster, with the same options."""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from infra import invocation
from infra.aws import Aws, require_name, stacks
from infra.commands import Command, give_account
from infra.commands.cost import estimate_line
from infra.commands.destroy import destroy_when_idle
from infra.commands.follow_run import follow_to_the_end
from infra.commands.output.bar import megabytes
from infra.commands.report import local_results
from infra.context import Context
from infra.errors import RunRefusedError, WrongUseError
from infra.runs import Cluster, PhotosFound, Plan, Step, clusters, plans, preflight, steps
from infra.upload import make_bundle, place_model, send_bundle
from job import arguments, backbones, options, run_names
from job.arguments import Arguments, PredictArguments
from job.features.network import INT8
from job.features.network.export import ExportRequest, cached_export
from job.inputs import list_all

LOCAL, EMR = "local", "emr"

_OPTIONS = {
    LOCAL: {"detach": "Leave it out.", "then_destroy": "Leave it out."},
    EMR: {
        "master": "Leave it out: the cluster runs Spark.",
        "output": "Leave it out, and name the results in the data bucket: --name NAME",
    },
}
"""By where the job runs: the options that it does not take, and what to do instead."""


def execute(given: argparse.Namespace, context: Context) -> int:
    """Run the job; return 0 if it completed, or continues detached."""
    name = given.name or run_names.default(context.clock())
    require_name(name, "--name", f"Name it: --name {run_names.nearest(name, 'first')}")
    _require_sense(given)
    given.output = given.output or run_names.folder(name)
    if given.on == LOCAL:
        context.say(_run_here(given).rstrip("\n"))
        return 0
    asked = given.checked(given)
    plans.require_remote(asked)
    aws = context.aws
    bucket, cluster = stacks.data_bucket(aws), clusters.look(aws, stacks.cluster_id(aws))
    plan = plans.plan(asked, name, bucket)
    photos = _check(aws, plan, cluster)
    context.say(*(f"{uri}: {_described(each)}" for uri, each in photos.items()))
    context.say(*(each.ignored for each in photos.values() if each.ignored))
    if isinstance(plan.arguments, Arguments):
        context.say(*preflight.check_labels(plan.arguments, photos))
    if photos:
        context.say(estimate_line(context, list(photos.values())))
    if getattr(asked, "precision", None) == INT8:
        give_account(given)
    with tempfile.TemporaryDirectory(prefix="orchard-") as folder:
        step = _attach(context, plan, cluster, _backbone(context, plan, asked, Path(folder)))
    if given.detach:
        context.say(f"Follow it: {invocation.orchard(f'status {name} --follow')}")
        return 0
    try:
        return follow_to_the_end(context, step, cluster)
    finally:
        if given.then_destroy:
            destroy_when_idle(context, cluster)


def _require_sense(given: argparse.Namespace) -> None:
    """Raise WrongUseError if options contradict each other, or where the job runs."""
    for name, hint in _OPTIONS[given.on].items():
        if getattr(given, name):
            option, other = f"--{name.replace('_', '-')}", EMR if given.on == LOCAL else LOCAL
            raise WrongUseError(f"{option} needs --on {other}, got --on {given.on}.", hint)
    if given.name and given.output:
        raise WrongUseError("--name and --output both say where the results go.", "Leave one of them out.")
    if given.detach and given.then_destroy:
        raise WrongUseError("--detach and --then-destroy contradict each other.", "Leave one of them out.")


def _run_here(given: argparse.Namespace) -> str:
    """Run the job on this machine; return the text to print at the end."""
    from job.__main__ import carry_out  # noqa: PLC0415 - loads Spark, which takes half a second

    give_account(given)
    for option in ("results", "vocabulary"):
        if getattr(given, option, None):
            setattr(given, option, local_results(getattr(given, option)))
    return carry_out(given.checked(given))


def _check(aws: Aws, plan: Plan, cluster: Cluster) -> dict[str, PhotosFound]:
    """Return what photos a run on the cluster will read, by URI of their folder."""
    clusters.require_alive(cluster)
    if plan.name in steps.active_runs(aws, cluster.id):
        raise RunRefusedError(
            f"A run named '{plan.name}' is already waiting or running on the cluster {cluster.id}.",
            f"Choose another --name, or follow that run: {invocation.orchard(f'status {plan.name} --follow')}",
        )
    return preflight.check(aws, plan)


def _described(found: PhotosFound) -> str:
    size = megabytes(found.bytes)
    if found.unlisted:
        return f"{found.archives:,} archives, {size}; the run counts the photos in them"
    return f"{found.count:,} photos{f' in {found.archives:,} shards' if found.archives else ''}, {size}"


def _backbone(context: Context, plan: Plan, asked: Arguments | PredictArguments, folder: Path) -> Path | None:
    """Return the exported file to send; None for nothing. The cluster cannot quantize: it has no TensorFlow."""
    if isinstance(asked, Arguments) and isinstance(plan.arguments, Arguments) and asked.precision == INT8:
        here = replace(plan.arguments, model=asked.model, backbone=asked.backbone, weights=asked.weights)
        return backbones.choose(here, list_all(here), folder, context.say)
    return cached_export(plan.backbone) if isinstance(plan.backbone, ExportRequest) else plan.backbone


def _attach(context: Context, plan: Plan, cluster: Cluster, backbone: Path | None) -> Step:
    """Send the backbone and the code unless the bucket has them, and attach the step."""
    aws, model = context.aws, None
    if backbone is not None:
        placed = place_model(aws, plan.bucket, backbone)
        model = placed.uri
        context.say(f"Backbone {model}: {'sent' if placed.sent else 'already uploaded'}")
    bundle = make_bundle()
    sent = send_bundle(aws, plan.bucket, bundle)
    context.say(f"Code {bundle.hash}: {'sent' if sent else 'already uploaded'}")
    archive, main = (f"s3://{plan.bucket}/{key}" for key in bundle.keys)
    spark = clusters.spark_settings(aws, cluster)
    configuration = steps.step_configuration(plan.name, archive, main, plan.argv(model), spark)
    step_id = steps.attach(aws, cluster.id, configuration)
    context.say(f"Run '{plan.name}' is step {step_id} of cluster {cluster.id}")
    return steps.look(aws, cluster.id, step_id)


def _add_run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = "%(prog)s --images PHOTOS [options]"
    parser.set_defaults(checked=arguments.checked)
    options.add_run_options(parser, _add_where(parser))


def _add_predict_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(checked=arguments.checked_predict)
    options.add_predict_options(parser, _add_where(parser))


def _add_where(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    where = parser.add_argument_group("where it runs")
    where.add_argument(
        "--on",
        choices=(LOCAL, EMR),
        default=LOCAL,
        help="local: this machine (default); emr: the cluster, with photos in uploaded sets or at s3:// URIs",
    )
    where.add_argument("--name", help="name of the run: results go to results/NAME (default: the time in UTC)")
    where.add_argument("--detach", action="store_true", help="with --on emr: do not wait for the run to end")
    where.add_argument("--then-destroy", action="store_true", help="with --on emr: destroy the cluster after the run")
    return where


RUN = Command(
    name="run",
    summary="compute features and PCA, and train a classifier",
    details="On this machine, or on the cluster with --on emr. Each subfolder of --images is a label.",
    example="orchard run --images photos/ --name first --classifier logistic --holdout 0.2",
    add_arguments=_add_run_arguments,
    execute=execute,
)
PREDICT = Command(
    name="predict",
    summary="classify new photos with the results of a run",
    details="Nothing is fitted again. Results go to results/NAME, on this machine or with --on emr in S3.",
    example="orchard predict --results first --images new-photos/ --name predictions",
    add_arguments=_add_predict_arguments,
    execute=execute,
)
