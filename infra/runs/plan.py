"""Plan a run on the cluster: from the user's arguments to what is read, sent and attached. Calls nothing."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from infra import invocation
from infra.aws import require_name
from infra.errors import WrongUseError
from infra.upload import set_uri
from job import run_names
from job.arguments import Arguments, PredictArguments
from job.features.network.export import ExportRequest
from job.features.words.options import CNN
from job.options import NETWORK_DEFAULTS
from job.storage import split_s3

_LOCAL_PATH = re.compile(r"(?!s3://)([./~].*|file:.*)", re.DOTALL)
"""A path of this machine: names of sets and runs start with a letter or digit."""


@dataclass(frozen=True)
class Plan:
    """A run on the cluster.

    Parameters
    ----------
    name, bucket
        Of the run, and of the data bucket.
    arguments
        Of the job, every location in S3; ``model`` only if the backbone is in S3 already.
    photos
        URIs of the folders that it reads.
    backbone
        What to send first: an exported file, or what to export; None for nothing.
    """

    name: str
    bucket: str
    arguments: Arguments | PredictArguments
    photos: tuple[str, ...]
    backbone: ExportRequest | Path | None

    @property
    def results_key(self) -> str:
        """Where the results go in the data bucket."""
        return f"results/{self.name}"

    def argv(self, model: str | None) -> list[str]:
        """Return the job's command line, with the URI of a backbone that has been sent."""
        return replace(self.arguments, model=model or self.arguments.model).as_argv()


def plan(arguments: Arguments | PredictArguments, name: str, bucket: str) -> Plan:
    """Return the run on the cluster that arguments ask for; names become URIs in the data bucket.

    Raises
    ------
    WrongUseError
        If an argument names neither what is in S3 nor what is sent.
    """
    placed = replace(arguments, output=f"s3://{bucket}/results/{name}")
    backbone: ExportRequest | Path | None = None
    if arguments.model is not None and not split_s3(arguments.model)[0]:
        placed, backbone = replace(placed, model=None), Path(arguments.model)
    if isinstance(placed, PredictArguments):
        photos = set_uri(bucket, placed.images)
        placed = replace(placed, images=photos, results=_results_uri(bucket, "--results", placed.results))
        return Plan(name, bucket, placed, (photos,), backbone)
    images, test, predict = (
        None if each is None else set_uri(bucket, each) for each in (placed.images, placed.test, placed.predict)
    )
    placed = replace(placed, images=images, test=test, predict=predict)
    if placed.vocabulary is not None:
        placed = replace(placed, vocabulary=_results_uri(bucket, "--vocabulary", placed.vocabulary))
    if arguments.model is None and placed.descriptor == CNN:
        backbone = ExportRequest(placed.backbone, placed.weights, placed.seed)
        placed = replace(placed, **NETWORK_DEFAULTS)
    return Plan(name, bucket, placed, tuple(filter(None, (images, test, predict))), backbone)


def require_remote(arguments: Arguments | PredictArguments) -> None:
    """Raise WrongUseError if arguments name photos or results of this machine, which the cluster cannot read."""
    given: Mapping[str, str | None] = vars(arguments)
    for option in ("images", "test", "predict"):
        path = given.get(option)
        if path is not None and _LOCAL_PATH.fullmatch(path):
            # A shell does not expand "~" inside an option or in quotes.
            folder = str(Path(path).expanduser()) if path.startswith("~") else path.removeprefix("file://")
            name = run_names.nearest(Path(folder).name, "photos")
            raise WrongUseError(
                f"--{option} must name an uploaded set or an s3:// URI with --on emr, got '{path}'.",
                f"Upload it, then use --{option} {name}: " + invocation.orchard(f"upload {shlex.quote(folder)} {name}"),
            )
    images = given.get("image_list")
    if images is not None and not split_s3(images)[0]:
        raise WrongUseError(
            f"--image-list must be an s3:// URI with --on emr, got '{images}'.",
            f"Copy it to the data bucket, then use its URI: aws s3 cp {shlex.quote(images)} s3://BUCKET/FILE",
        )
    for option in ("results", "vocabulary"):
        path = given.get(option)
        if path is not None and _LOCAL_PATH.fullmatch(path):
            raise WrongUseError(
                f"--{option} must name a run of the cluster or an s3:// URI with --on emr, got '{path}'.",
                f"Copy it to the data bucket, then use its URI: aws s3 sync {shlex.quote(path)} s3://BUCKET/FOLDER",
            )


def _results_uri(bucket: str, option: str, text: str) -> str:
    if split_s3(text)[0]:
        return text
    name = text.rstrip("/")
    require_name(name, option, f"Name a run of the cluster, or an s3:// URI: {option} first")
    return f"s3://{bucket}/results/{name}"
