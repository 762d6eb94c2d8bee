"""``orchard classify``: tries a phone's model on photos of this machine."""

import argparse
from pathlib import Path

from infra.commands import Command
from infra.context import Context
from infra.errors import NotClassifiedError
from job.images import FORMAT_NAMES, RejectedPhotoError
from job.mobile import PhotoClassifier


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="files of photos")
    parser.add_argument(
        "--mobile", type=Path, required=True, metavar="FILE", help="a phone's model, by orchard results --mobile"
    )


def execute(given: argparse.Namespace, context: Context) -> int:
    """Print each photo's label and probability."""
    classifier, unusable = PhotoClassifier(given.mobile), 0
    for photo in given.photos:
        try:
            label, probability = classifier.classify(photo.read_bytes())
        except RejectedPhotoError as error:
            reason = str(error)
        except OSError as error:
            reason = f"cannot be read: {error.strerror}"
        else:
            context.say(f"{photo}: {label} {probability:.1%}")
            continue
        unusable += 1
        context.say(f"{photo}: not classified, {reason}")
    if unusable:
        raise NotClassifiedError(
            f"{unusable} of {len(given.photos)} photos could not be classified.",
            f"Give photos in {FORMAT_NAMES}.",
        )
    return 0


COMMAND = Command(
    name="classify",
    summary="try a model for phones on photos of this machine",
    example="orchard classify photo.jpg --mobile fruits.tflite",
    add_arguments=_add_arguments,
    execute=execute,
)
