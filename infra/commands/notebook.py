"""``orchard notebook``: copy the notebook to JupyterHub on the cluster."""

import argparse

from infra import invocation
from infra.aws import require_name, stacks
from infra.commands import Command
from infra.context import Context
from infra.runs import notebook
from infra.upload import make_bundle, place_model, send_api, send_bundle, set_uri
from job.features.network.export import ExportRequest, cached_export
from job.options import add_backbone_options


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--images", metavar="SET", required=True, help="uploaded set of photos")
    parser.add_argument(
        "--name", default="orchard", help="name of the notebook and of its results (default: %(default)s)"
    )
    parser.add_argument("--model", metavar="URI", help="exported backbone that is already in S3")
    add_backbone_options(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace the notebook of this name")


def execute(given: argparse.Namespace, context: Context) -> int:
    """Send the job's code, the Python API, the backbone and the notebook."""
    require_name(given.name, "The notebook", "Name it: --name NAME")
    bucket = stacks.data_bucket(context.aws)
    if not given.overwrite:
        notebook.require_free(context.aws, bucket, given.name)
    code = make_bundle()
    send_bundle(context.aws, bucket, code)
    model = given.model
    if model is None:
        exported = cached_export(ExportRequest(given.backbone, given.weights, seed=0))
        model = place_model(context.aws, bucket, exported).uri
    places = notebook.Places(
        images=set_uri(bucket, given.images),
        output=f"s3://{bucket}/results/notebook-{given.name}",
        model=model,
        code=(f"s3://{bucket}/{code.keys[0]}", send_api(context.aws, bucket)),
    )
    made = notebook.for_jupyterhub(notebook.read(), places)
    uri = notebook.put(context.aws, bucket, given.name, made)
    context.say(f"Notebook: {uri}")
    context.say(f"Open {given.name}.ipynb in JupyterHub. Get its address: {invocation.orchard('ui')}")
    return 0


COMMAND = Command(
    name="notebook",
    summary="copy the notebook to JupyterHub on the cluster",
    details="Needs a cluster with the settings jupyterhub and session_manager.",
    example="orchard notebook --images fruits/Training",
    add_arguments=_add_arguments,
    execute=execute,
)
