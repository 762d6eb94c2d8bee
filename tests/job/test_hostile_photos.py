"""Some 400 broken, hostile and odd photos go through whole runs: none stops a run, and none is lost."""

import json
import sys
import unicodedata
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from PIL import Image
from pyspark import SparkContext

from job.__main__ import main
from job.features.words import KINDS, DescriptorKind, vocabulary
from job.results import layout
from tests import memory
from tests.job.hostile_photos import Fate, Hostile, hostile_photos, write_traps

SEED = 10

SECRET = "wJalrXUtnFEMI-not-a-real-one"
SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_KEY")

LARGEST_WORKER = 1_100_000 * 1024
"""Bytes that a Python worker may take at its peak: its share of half an executor, see job/images/limits.py."""


class Folder:
    """A folder of hostile photos, and what has to become of each.

    Parameters
    ----------
    root
        Where it lies.
    files
        What was written.
    traps
        Reasons of what only a file system holds.
    """

    def __init__(self, root: Path, files: list[Hostile], traps: dict[str, str]) -> None:
        self.root = root
        self.files = files
        self.traps = traps

    def uri(self, inside: str) -> str:
        return f"{self.root}/{inside}"

    def of(self, fate: Fate) -> set[str]:
        return {self.uri(file.inside) for file in self.files if file.fate is fate}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, sample_photos: Path) -> Folder:
    root = tmp_path_factory.mktemp("hostile") / "photos"
    with Image.open(sample_photos / "Kiwi" / "000.jpg") as opened:
        photo = opened.convert("RGB")
    files = list(hostile_photos(photo, SEED))
    for file in files:
        target = root / file.inside
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
    return Folder(root, files, write_traps(root))


def run(folder: Folder, output: Path, *words: str) -> dict[str, Any]:
    assert main(["--images", str(folder.root), *words, "--output", str(output)]) == 0
    manifest: dict[str, Any] = json.loads((output / "manifest.json").read_text())
    return manifest


def rows(output: Path, manifest: dict[str, Any], data_set: str) -> list[dict[str, Any]]:
    files = [output / entry["path"] for entry in manifest["files"][data_set] if entry["path"].endswith(".parquet")]
    return [row for file in files for row in pq.read_table(file).to_pylist()]


@pytest.fixture(scope="module")
def network(
    hostile: Folder,
    random_backbone: Path,
    spark: SparkContext,  # noqa: ARG001 - joined
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, dict[str, Any]]:
    """Return the results of a run of the network over all of them. Read only."""
    output = tmp_path_factory.mktemp("network") / "results"
    with pytest.MonkeyPatch.context() as environment:
        for name in SECRETS:
            environment.setenv(name, SECRET)
        return output, run(hostile, output, "--model", str(random_backbone), "--components", "3")


def require_nothing_lost(folder: Folder, output: Path, manifest: dict[str, Any]) -> tuple[set[str], dict[str, str]]:
    """Check that every photo was either used or set aside, once; return both."""
    used = [row["path"] for row in rows(output, manifest, "features")]
    rejected = rows(output, manifest, "rejected")
    everything = [folder.uri(inside) for inside in [*(file.inside for file in folder.files), *folder.traps]]
    assert Counter([*used, *(row["path"] for row in rejected)]) == Counter(everything)
    counts = manifest["counts"]
    assert (counts["found"], counts["used"], counts["rejected"]) == (len(everything), len(used), len(rejected))
    return set(used), {row["path"]: row["reason"] for row in rejected}


def test_there_are_more_than_300_of_them(hostile: Folder) -> None:
    assert len(hostile.files) + len(hostile.traps) > 400
    assert len({file.content for file in hostile.files}) > 300


def test_network_uses_or_rejects_every_photo(hostile: Folder, network: tuple[Path, dict[str, Any]]) -> None:
    used, reasons = require_nothing_lost(hostile, *network)

    assert {path: reasons[path] for path in sorted(hostile.of(Fate.USED) - used)} == {}
    assert sorted(hostile.of(Fate.SET_ASIDE) & used) == []
    assert {inside: reasons[hostile.uri(inside)] for inside in hostile.traps} == hostile.traps


def test_every_reason_is_one_readable_line(network: tuple[Path, dict[str, Any]]) -> None:
    for row in rows(*network, "rejected"):
        reason = row["reason"]
        assert reason.isprintable(), row
        assert 0 < len(reason) <= 200, row
        assert "Traceback" not in reason, row
        assert "division" not in reason, row


def test_photo_above_a_limit_is_rejected_for_it(hostile: Folder, network: tuple[Path, dict[str, Any]]) -> None:
    _, reasons = require_nothing_lost(hostile, *network)

    expected = {
        "pixels.png": "more than 100,000,000 pixels",
        "just too many.png": "10,001 x 10,000 pixels are 100,010,000, more than the 100,000,000 allowed",
        "header.png": "more than 100,000,000 pixels",
        "header.jpg": "more than 100,000,000 pixels",
        "header.bmp": "more than 100,000,000 pixels",
        "line.png": "90,000,000 x 1 pixels: a side must have at most 65,535",
        "column.png": "1 x 65,536 pixels: a side must have at most 65,535",
        "scans.jpg": "a JPEG in 210 scans, more than the 100 allowed",
        "run lengths.bmp": "a run-length-encoded BMP of 25,000,000 pixels, more than the 5,000,000 allowed",
    }
    assert {name: reasons[hostile.uri(f"bombs/{name}")] for name in expected} == expected


def test_results_have_paths_as_on_disk_and_labels_in_nfc(hostile: Folder, network: tuple[Path, dict[str, Any]]) -> None:
    output, manifest = network
    labels = {row["path"]: row["label"] for row in rows(output, manifest, "features")}

    for file in hostile.files:
        if file.inside.startswith("labels/"):
            assert labels[hostile.uri(file.inside)] == unicodedata.normalize("NFC", file.inside.split("/")[-2])
    (csv,) = manifest["files"]["components.csv"][:1]
    read = pyarrow.csv.read_csv(
        output / csv["path"], parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True)
    ).to_pylist()
    assert {row["path"] for row in read} <= set(labels)


def test_nothing_secret_of_the_environment_is_in_the_results(network: tuple[Path, dict[str, Any]]) -> None:
    written = [file for file in network[0].rglob("*") if file.is_file()]

    assert {file.name for file in written} > {"manifest.json", "progress.json", "report.html"}
    assert [file for file in written if SECRET.encode() in file.read_bytes()] == []


def test_a_page_of_such_labels_holds_none_of_them_as_markup(network: tuple[Path, dict[str, Any]]) -> None:
    page = (network[0] / "report.html").read_text()

    assert "<script>alert(" not in page
    assert "\x1b" not in page


@pytest.mark.parametrize("descriptor", ["orb", "sift"])
@pytest.mark.usefixtures("spark")
def test_visual_words_use_or_set_aside_every_one(hostile: Folder, descriptor: str, tmp_path: Path) -> None:
    words, output = tmp_path / "words", tmp_path / "results"
    write_visual_words(words, KINDS[descriptor])

    manifest = run(
        hostile,
        output,
        *("--descriptor", descriptor, "--vocabulary", str(words), "--no-keypoints", "zero"),
        *("--components", "2", "--no-csv"),
    )

    used, reasons = require_nothing_lost(hostile, output, manifest)
    assert {path: reasons[path] for path in sorted(hostile.of(Fate.USED) - used)} == {}
    assert sorted(hostile.of(Fate.SET_ASIDE) & used) == []


def write_visual_words(folder: Path, kind: DescriptorKind) -> None:
    """Write what a run left that learned five words: learning takes long, and no photo is looked at for it."""
    words = np.random.default_rng(SEED).random((5, kind.dimensions))
    description = {"opencv": "", "learning": {}}
    contents = vocabulary.to_files(vocabulary.Vocabulary(kind, 50, words), description)
    files = [layout.write_file(str(folder), *content) for content in contents]
    listed = {"vocabulary": [asdict(file) for file in files]}
    layout.write_manifest(str(folder), {"schema_version": layout.SCHEMA_VERSION, "files": listed})


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: reads memory from /proc")
@pytest.mark.usefixtures("network")
def test_the_memory_of_sparks_workers_stays_bounded(spark: SparkContext) -> None:
    peaks = spark.parallelize(range(8), 8).map(lambda _: memory.peak())

    assert max(peaks.collect()) < LARGEST_WORKER
