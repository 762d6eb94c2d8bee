"""Draw training photos, quantize a network with them, and refuse it if its features differ too much.

docs/decisions/0131-int8-by-calibration.md has the reasons and the figures.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from job import storage
from job.errors import BackboneError, NotInstalledError, QuantizationError, TooFewPhotosError
from job.features.network.backbone import (
    Backbone,
    Calibration,
    content_hash,
    embed_description,
    read_calibrating,
    read_description,
)
from job.features.network.export import run_in_own_process
from job.features.network.litert import INT8
from job.images import DECODING, TRAIN, Pixels, RejectedPhotoError, decode_views, listing, of_split, photos_in_turn
from job.results import installed_version

QUANTIZE_VERSION = 1
"""Part of the cache key. Raise it when a quantized file changes although its input and the libraries do not."""

CALIBRATE, CHECK = 300, 64
"""Photos that decide the ranges, and other photos on which the features are compared."""

FEWEST = 50
"""With fewer photos than this the ranges are too uncertain."""

CALIBRATE_SHARE = 0.8
"""Of the photos, where there are fewer than ``CALIBRATE`` and ``CHECK`` together."""

CANDIDATES = 400
"""Photos that are drawn, because some cannot be decoded."""

LEAST_COSINE = 0.95
"""The mean cosine between the features of both networks must be at least this."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Draw:
    """Training photos in the order in which they are taken."""

    photos: pa.Table  # rows of a listing
    insides: tuple[str, ...]  # their paths inside the folder
    seed: int


def draw(photos: pa.Table, folder: str, seed: int) -> Draw:
    """Draw training photos of a listing, by a hash of the seed and the path inside the folder.

    ``folder``: URI of the training photos' folder; empty for a list of photos.
    """
    train = of_split(photos, TRAIN)
    insides = listing.paths_inside(train, folder)
    order = sorted(range(len(insides)), key=lambda number: listing.rank(seed, insides[number]))[:CANDIDATES]
    return Draw(train.take(order), tuple(insides[number] for number in order), seed)


def quantized_network(model: Path, drawn: Draw, decoding: str, say: Say, cache: Path | None = None) -> Path:
    """Return the int8 network of an exported float32 one, from the cache if the same photos quantized it before.

    Parameters
    ----------
    decoding
        Of ``--decode``.
    cache
        Folder of exported files; None for the user's cache folder.

    Raises
    ------
    TooFewPhotosError, QuantizationError
        If there are fewer than ``FEWEST`` photos, or if the features differ too much.
    """
    described = read_description(model)
    if described.precision == INT8:
        raise BackboneError(
            f"Only a float32 network can be quantized, got the int8 network '{model}'.", "Leave out --images."
        )
    folder = cache if cache is not None else storage.cache_folder(os.environ)
    kept = folder / f"{INT8}-{described.name}-{cache_key(model, drawn, decoding)}.tflite"
    if not kept.is_file():
        pixels, numbers = decoded(drawn, described.width, described.height, decoding)
        calibrating = split_at(len(pixels))
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="orchard-", dir=folder) as scratch:
            part, photos = Path(scratch) / "part.tflite", Path(scratch) / "photos.npy"
            np.save(photos, pixels[:calibrating])
            argv = ["--model", str(model), "--photos", str(photos), "--output", str(part)]
            run_in_own_process("job.features.network.calibrate", argv, f"Quantizing the backbone {described.name}")
            close = cosines(_features(model, pixels[calibrating:]), _features(part, pixels[calibrating:]))
            require_close(close, described.name)
            calibration = Calibration(
                float32=content_hash(model),
                photos=calibrating,
                checked=len(close),
                seed=drawn.seed,
                # Rounded, because the last bits of float32 features depend on the processor.
                mean_cosine=round(float(close.mean()), 4),
                least_cosine=round(float(close.min()), 4),
            )
            names = [path_digest(drawn.insides[number]) for number in numbers[:calibrating]]
            quantized = replace(described, precision=INT8, calibration=asdict(calibration))
            part.write_bytes(embed_description(part.read_bytes(), quantized, names))
            part.replace(kept)
    say(describe(Calibration(**(read_description(kept).calibration or {}))))
    return kept


def is_of(quantized: Path, model: Path, photos: pa.Table, folder: str) -> bool:
    """Return whether a network was quantized from another, by photos that are all training photos of a listing."""
    described = read_description(quantized)
    if described.calibration is None or described.calibration["float32"] != content_hash(model):
        return False
    train = of_split(photos, TRAIN)
    return read_calibrating(quantized) <= {path_digest(inside) for inside in listing.paths_inside(train, folder)}


def describe(calibration: Calibration) -> str:
    """Return a line on a quantized network, with a warning if there were few photos."""
    few = calibration.photos < CALIBRATE
    return (
        f"{'Warning: ' if few else ''}int8: {'only ' if few else ''}{calibration.photos:,} training photos calibrated "
        f"the network. On {calibration.checked:,} others the cosine to float32 is {calibration.mean_cosine:.3f} on "
        f"average, at least {calibration.least_cosine:.3f}."
    )


def split_at(photos: int) -> int:
    """Return how many of some photos calibrate; the others check. Raise TooFewPhotosError if there are too few."""
    if photos < FEWEST:
        raise TooFewPhotosError(
            f"--precision {INT8} requires at least {FEWEST} training photos, got {photos:,}.",
            "Add photos to --images, or use --precision float32.",
        )
    return CALIBRATE if photos >= CALIBRATE + CHECK else int(CALIBRATE_SHARE * photos)


def cosines(ours: npt.NDArray[np.float32], theirs: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the cosine of each pair of rows: 1 for two rows of zeros, 0 for one.

    ``ours`` and ``theirs`` have shape (photos, features).
    """
    first, second = ours.astype(np.float64), theirs.astype(np.float64)
    lengths = np.linalg.norm(first, axis=1), np.linalg.norm(second, axis=1)
    zero = [length == 0 for length in lengths]
    product = np.where(zero[0] | zero[1], 1.0, lengths[0] * lengths[1])
    return np.where(zero[0] & zero[1], 1.0, (first * second).sum(axis=1) / product)


def require_close(close: npt.NDArray[np.float64], name: str) -> None:
    """Raise QuantizationError if the mean cosine is too small, or no number."""
    mean = float(close.mean())
    if not mean >= LEAST_COSINE:
        raise QuantizationError(
            f"The mean cosine of int8 to float32 features must be at least {LEAST_COSINE}, got {mean:.3f} with {name}.",
            "Use --precision float32, or another --backbone.",
        )


def decoded(drawn: Draw, width: int, height: int, decoding: str) -> tuple[Pixels, list[int]]:
    """Return the first usable photos, and the number of each in the draw.

    Returns
    -------
    uint8 of shape (photos, height, width, 3); at most ``CALIBRATE`` and ``CHECK`` photos.
    """
    seconds = {"read": 0.0, "decode": 0.0}

    def as_input(content: bytes) -> Pixels:
        # One view: the ranges of whole photos serve their windows too.
        return np.asarray(decode_views(content, width, height, 1, decoding).views[0])

    pixels, numbers = [], []
    for number, photo in enumerate(photos_in_turn(drawn.photos, as_input, seconds)):
        if isinstance(photo, RejectedPhotoError):
            continue
        pixels.append(photo)
        numbers.append(number)
        if len(pixels) == CALIBRATE + CHECK:
            break
    split_at(len(pixels))
    return np.stack(pixels), numbers


def cache_key(model: Path, drawn: Draw, decoding: str) -> str:
    """Return a digest of everything that determines a quantized file, without reading the photos."""
    tensorflow = installed_version("tensorflow-cpu") or installed_version("tensorflow")
    if tensorflow is None:
        raise NotInstalledError(
            f"--precision {INT8} requires TensorFlow to quantize the network, which is not installed here.",
            "Quantize it on the submitting machine, then use --model FILE: "
            "orchard export --precision int8 --images FOLDER --output FILE",
        )
    versions = [tensorflow, installed_version("ai-edge-litert"), installed_version("pillow")]
    photos = zip(drawn.insides, drawn.photos["version"].to_pylist(), strict=True)
    parts: Sequence[object] = (QUANTIZE_VERSION, content_hash(model), decoding, DECODING, drawn.seed, *versions)
    lines = [*map(str, parts), *(f"{inside}\0{version}" for inside, version in photos)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _features(model: Path, photos: Pixels) -> npt.NDArray[np.float32]:
    network = Backbone(model)
    features = np.empty((len(photos), network.features), np.float32)
    network.compute_batch(list(photos), features)
    return features


def path_digest(inside: str) -> str:
    """Return what a quantized file says of a path inside the folder: too little to read the path from."""
    return hashlib.blake2b(inside.encode(), digest_size=8).hexdigest()
