"""Tests of runs on photos in archives, with a real Spark, next to the same photos in a folder."""

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark import SparkContext

from infra.aws.client import Aws
from infra.upload import Uploader, plan, upload, walk
from job import arguments, pipeline
from job.errors import PhotosNotFoundError
from job.results import layout
from tests.shards import write_shards

pytestmark = pytest.mark.usefixtures("spark")


def rows_of(output: Path) -> dict[str, tuple[str, str, bytes]]:
    """Return label, split and features of each photo, by its path inside its label's folder."""
    found: dict[str, tuple[str, str, bytes]] = {}
    for file in sorted((output / "features").iterdir()):
        for row in layout.read_parquet(str(output), f"features/{file.name}").to_pylist():
            inside = "/".join(row["path"].rsplit("/", 2)[1:])
            found[inside] = (row["label"], row["split"], np.asarray(row["features"], np.float32).tobytes())
    return found


@pytest.fixture(scope="module")
def run(spark: SparkContext, random_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    assert spark

    def run_on(images: Path, *more: str) -> tuple[Path, dict[str, Any]]:
        output = tmp_path_factory.mktemp("results") / "run"
        words = ["--images", str(images), "--model", str(random_backbone), "--components", "3"]
        words += ["--classifier", "discriminant", "--holdout", "0.25"]
        return output, pipeline.run(arguments.parse([*words, "--output", str(output), "--no-csv", *more]))

    return run_on


def pack_shards(folder: Path, shards: Path, number: int) -> None:
    shards.mkdir()
    photos = sorted(path for path in folder.rglob("*.jpg"))
    for shard in range(number):
        with tarfile.open(shards / f"shard-{shard}.tar", "w") as packed:
            for photo in photos[shard::number]:
                packed.add(photo, photo.relative_to(folder))


def test_archives_give_the_rows_of_their_folder(run: Any, sample_photos: Path, tmp_path: Path) -> None:
    zipped = Path(shutil.make_archive(str(tmp_path / "photos"), "zip", sample_photos))
    pack_shards(sample_photos, tmp_path / "shards", 3)

    expected = rows_of(run(sample_photos)[0])
    from_zip, manifest = run(zipped)
    from_shards, _ = run(tmp_path / "shards")

    assert len(expected) == manifest["counts"]["used"] == 40
    assert rows_of(from_zip) == expected
    assert rows_of(from_shards) == expected
    assert (from_zip / "report.html").read_text().count("data:image/webp") > 0


def test_shards_of_an_upload_give_the_rows_of_their_folder(run: Any, sample_photos: Path, tmp_path: Path) -> None:
    assert len(write_shards(sample_photos, tmp_path / "shards", 30_000)) > 2

    expected, from_shards = rows_of(run(sample_photos)[0]), run(tmp_path / "shards")[0]

    assert len(expected) == 40
    assert rows_of(from_shards) == expected


@pytest.mark.slow
def test_uploaded_shards_give_the_rows_of_the_folder(
    run: Any, sample_photos: Path, random_backbone: Path, bucket: str, tmp_path: Path
) -> None:
    uploader = Uploader(Aws("eu-west-1"), bucket, "images/set/", lambda _: None)
    assert upload(uploader, plan(walk(sample_photos), 30_000), lambda _: None).failures == []
    words = ["--images", f"s3://{bucket}/images/set", "--model", str(random_backbone), "--components", "3"]
    words += ["--classifier", "discriminant", "--holdout", "0.25", "--no-csv", "--output", str(tmp_path / "run")]

    # In a separate process, so that Spark's workers have this server's address in their environment
    subprocess.run([sys.executable, "-m", "job", *words], check=True, capture_output=True)

    assert rows_of(tmp_path / "run") == rows_of(run(sample_photos)[0])


def test_paths_in_results_name_archive_and_member(run: Any, sample_photos: Path, tmp_path: Path) -> None:
    zipped = Path(shutil.make_archive(str(tmp_path / "photos"), "zip", sample_photos))

    output, _ = run(zipped)

    file = next((output / "features").iterdir())
    paths = layout.read_parquet(str(output), f"features/{file.name}")["path"].to_pylist()
    assert all(path.startswith(f"{zipped}/") for path in paths)


def test_archive_beside_photos_is_an_ignored_file(run: Any, sample_photos: Path, tmp_path: Path) -> None:
    shutil.copytree(sample_photos, tmp_path / "photos")
    shutil.make_archive(str(tmp_path / "photos" / "backup"), "zip", sample_photos)

    _, manifest = run(tmp_path / "photos")

    assert manifest["counts"]["used"] == 40
    assert manifest["ignored"]["files"] == {".zip": 1}


def test_compressed_tar_is_refused_with_the_command(run: Any, sample_photos: Path, tmp_path: Path) -> None:
    packed = Path(shutil.make_archive(str(tmp_path / "photos"), "gztar", sample_photos))

    with pytest.raises(PhotosNotFoundError) as raised:
        run(packed)

    assert f"gunzip {packed}" in raised.value.hint
