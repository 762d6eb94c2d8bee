"""``orchard classify``: classify photos of this machine with a model for phones."""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

from infra.commands import Command
from infra.context import Context
from infra.errors import NotClassifiedError, PhotoFolderError
from infra.upload import walk
from job.classifiers import UNKNOWN
from job.images import FORMAT_NAMES, RejectedPhotoError, is_photo


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="photo files, or folders of them")
    parser.add_argument(
        "--mobile",
        type=Path,
        required=True,
        metavar="FILE",
        help="model for phones, written by orchard results NAME --mobile FILE",
    )


def execute(given: argparse.Namespace, context: Context) -> int:
    """Print each photo's label and probability, or that it is unknown."""
    from job.mobile import PhotoClassifier  # noqa: PLC0415 - the schema of TensorFlow Lite takes 0.3 seconds to load

    classifier = PhotoClassifier(given.mobile)
    photos, failed, missing = 0, 0, 0
    for photo in photos_in(given.photos):
        photos += 1
        try:
            label, probability = classifier.classify(photo.read_bytes())
        except RejectedPhotoError as error:
            reason = str(error)
        except FileNotFoundError:
            reason = "there is no such file"
            missing += 1
        except OSError as error:
            reason = f"could not be read: {error.strerror}"
        else:
            unknown = label == UNKNOWN and classifier.description.reject_below is not None
            context.say(f"{photo}: {label}" if unknown else f"{photo}: {label} {probability:.1%}")
            continue
        failed += 1
        context.say(f"{photo}: not classified, {reason}")
    if failed:
        raise NotClassifiedError(
            f"{failed} of {photos} photos could not be classified; the reasons are above.",
            "Check the paths for typing errors." if failed == missing else f"Use photos in {FORMAT_NAMES}.",
        )
    return 0


def photos_in(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield files as they are given, and the photos below each folder; a folder without photos is refused."""
    for path in paths:
        if path.is_dir():
            found = [Path(file.path) for file in walk(path) if is_photo(file.inside)]
            if not found:
                raise PhotoFolderError(f"The folder '{path}' must contain photos.", f"Add photos in {FORMAT_NAMES}.")
            yield from found
        else:
            yield path


COMMAND = Command(
    name="classify",
    summary="classify photos on this machine with a model for phones",
    details="Test a .tflite model that orchard results NAME --mobile FILE has written.",
    example="orchard classify photo.jpg --mobile fruits.tflite",
    add_arguments=_add_arguments,
    execute=execute,
)
