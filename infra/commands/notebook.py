"""``orchard notebook``: puts the notebook where JupyterHub on the cluster finds it."""

import argparse

from infra.aws import stacks
from infra.aws.names import require_name
from infra.commands.command import Command
from infra.context import Context
from infra.runs import notebook
from infra.upload import bundle, models
from infra.upload.image_sets import set_uri
from job.features.network.export import ExportRequest, cached_export


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``orchard notebook``."""
    parser.add_argument("--images", metavar="SET", required=True, help="uploaded photos to work on")
    parser.add_argument("--name", default="orchard", help="of the notebook and of its results (default: %(default)s)")
    parser.add_argument("--model", metavar="URI", help="an exported backbone that is in S3 already")
    parser.add_argument("--backbone", default="mobilenet_v2", help="exported here, sent once (default: %(default)s)")
    parser.add_argument("--weights", default="imagenet", help="imagenet, FILE or random (default: %(default)s)")
    parser.add_argument("--overwrite", action="store_true", help="replace a notebook of this name")


def execute(given: argparse.Namespace, context: Context) -> int:
    """Send the job's code, the Python API, the backbone and the notebook."""
    require_name(given.name, "The notebook", "Name it: --name NAME")
    bucket = stacks.data_bucket(context.aws)
    if not given.overwrite:
        notebook.require_free(context.aws, bucket, given.name)
    code = bundle.make_bundle()
    bundle.send(context.aws, bucket, code)
    model = given.model
    if model is None:
        exported = cached_export(ExportRequest(given.backbone, given.weights, seed=0))
        model = models.place_model(context.aws, bucket, exported).uri
    places = notebook.Places(
        images=set_uri(bucket, given.images),
        output=f"s3://{bucket}/results/notebook-{given.name}",
        model=model,
        code=(f"s3://{bucket}/{code.keys[0]}", bundle.send_api(context.aws, bucket)),
    )
    made = notebook.for_jupyterhub(notebook.read(), places)
    uri = notebook.put(context.aws, bucket, given.name, made)
    context.say(f"Notebook: {uri}")
    context.say(f"Open it in JupyterHub as {given.name}.ipynb; the way there: orchard ui")
    return 0


COMMAND = Command(
    name="notebook",
    summary="put the notebook where JupyterHub finds it",
    example="orchard notebook --images fruits/Training",
    add_arguments=add_arguments,
    execute=execute,
)
