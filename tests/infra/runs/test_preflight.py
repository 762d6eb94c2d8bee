"""Tests of infra/runs/preflight.py: what a run on the cluster is refused for before it costs anything."""

from pathlib import Path

import pytest

from infra.aws.client import Aws
from infra.errors import RunRefusedError, RunUnknownError
from infra.runs.preflight import PhotosFound, check_labels, require_file, require_photos, require_results
from job import arguments
from job.errors import ShardsError, SplitFoldersError, UsageError
from tests.error_report import values
from tests.shards import write_shards


@pytest.mark.parametrize(
    ("folder", "count"), [("", 3), ("/", 3), ("/fruits", 2), ("/fruits/", 2), ("/fruits/pear", 1), ("/.hidden", 1)]
)
def test_counts_the_photos_that_the_job_will_list(aws: Aws, bucket: str, folder: str, count: int) -> None:
    for key in ("fruits/apple/1.jpg", "fruits/pear/2.PNG", "3.webp", "fruits/apple/._1.jpg", ".hidden/4.jpg", "a.txt"):
        aws.s3.put_object(Bucket=bucket, Key=key, Body=b"12345")

    found = require_photos(aws, f"s3://{bucket}{folder}")

    assert found == PhotosFound(count, 5 * count, found.ignored)
    assert values(found.ignored) == (["1", "1", ".txt"] if count == 3 else [])
    assert len(found.names) == count


def test_refuses_a_bucket_without_photos(aws: Aws, bucket: str) -> None:
    with pytest.raises(RunRefusedError) as raised:
        require_photos(aws, f"s3://{bucket}")

    assert f"s3://{bucket}" in raised.value.message
    assert raised.value.hint.endswith(f": aws s3 ls s3://{bucket}/")


def test_counts_the_photos_in_shards_by_their_index(aws: Aws, bucket: str, tmp_path: Path) -> None:
    for name in ("Training/apple/1.jpg", "Training/pear/2.jpg", "Test/pear/3.jpg"):
        (tmp_path / "fruits" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "fruits" / name).write_bytes(b"12345")
    size = 0
    for path in write_shards(tmp_path / "fruits", tmp_path / "shards", 1000):
        key = f"fruits/{path.relative_to(tmp_path / 'shards')}"
        aws.s3.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
        size += path.stat().st_size

    everything, training = (
        require_photos(aws, f"s3://{bucket}/fruits"),
        require_photos(aws, f"s3://{bucket}/fruits/Training"),
    )

    assert everything == PhotosFound(3, size, "", archives=3)
    assert everything.names == ("Test/pear/3.jpg", "Training/apple/1.jpg", "Training/pear/2.jpg")
    assert (training.count, training.names) == (2, ("apple/1.jpg", "pear/2.jpg"))
    aws.s3.delete_object(Bucket=bucket, Key="fruits/Training/orchard-000001.tar")
    with pytest.raises(ShardsError):
        require_photos(aws, f"s3://{bucket}/fruits")


def test_shards_next_to_single_photos_are_refused(aws: Aws, bucket: str) -> None:
    for key in ("fruits/apple/1.jpg", "fruits/orchard-000000.tar"):
        aws.s3.put_object(Bucket=bucket, Key=key, Body=b"12345")

    with pytest.raises(ShardsError):
        require_photos(aws, f"s3://{bucket}/fruits")


def test_other_archives_are_left_to_the_run(aws: Aws, bucket: str) -> None:
    for key in ("fruits/photos.zip", "fruits/shard-1.tar", "fruits/labels.csv"):
        aws.s3.put_object(Bucket=bucket, Key=key, Body=b"12345")
    given = arguments.parse(["--images", f"s3://{bucket}/fruits", "--labels", "pear", "--output", "s3://b/r"])

    listed = require_photos(aws, f"s3://{bucket}/fruits")

    assert listed == PhotosFound(0, 10, listed.ignored, archives=2, unlisted=2)
    assert values(listed.ignored) == ["1", "1", ".csv"]
    assert check_labels(given, {f"s3://{bucket}/fruits": listed}) == []


def found(*names: str) -> PhotosFound:
    return PhotosFound(len(names), 1, names=names)


def test_refuses_set_with_training_and_test_folders() -> None:
    given = arguments.parse(["--images", "s3://b/images/fruits", "--output", "s3://b/results/r"])

    with pytest.raises(SplitFoldersError) as raised:
        check_labels(given, {"s3://b/images/fruits": found("Training/a/1.jpg", "Test/a/1.jpg")})

    assert raised.value.hint.endswith("--images s3://b/images/fruits/Training --test s3://b/images/fruits/Test")


def test_warns_of_labels_before_a_run_on_the_cluster() -> None:
    given = arguments.parse(["--images", "s3://b/train", "--test", "s3://b/test", "--output", "s3://b/r"])
    photos = {"s3://b/train": found("a/1.jpg", "a/2.jpg"), "s3://b/test": found("A/1.jpg")}

    lines = check_labels(given, photos)

    assert ["'A', 'a'" in lines[0], "'A'" in lines[1], "'a'" in lines[2]] == [True, True, True]
    assert len(lines) == 3


def test_refuses_group_pattern_that_matches_no_photo_in_s3() -> None:
    argv = ["--images", "s3://b/train", "--test", "s3://b/test", "--output", "s3://b/r", "--group-pattern", "^(a)/"]
    photos = {"s3://b/train": found("a/1.jpg", "a/2.jpg"), "s3://b/test": found("b/1.jpg")}

    with pytest.raises(UsageError) as raised:
        check_labels(arguments.parse(argv), photos)

    assert "b/1.jpg" in raised.value.message


@pytest.mark.parametrize(("wanted", "folder"), [("Kiwis", "train"), ("Pear", "test")])
def test_refuses_a_label_that_a_folder_lacks(wanted: str, folder: str) -> None:
    given = arguments.parse(
        ["--images", "s3://b/train", "--test", "s3://b/test", "--output", "s3://b/r", "--labels", f"Kiwi,{wanted}"]
    )
    photos = {"s3://b/train": found("Kiwi/1.jpg", "Pear/2.jpg"), "s3://b/test": found("Kiwi/3.jpg", "Plum/4.jpg")}

    with pytest.raises(RunRefusedError) as raised:
        check_labels(given, photos)

    assert f"'{wanted}'" in raised.value.message
    assert f"s3://b/{folder}" in raised.value.message
    assert raised.value.hint.endswith({"train": "Labels: Kiwi, Pear.", "test": "Labels: Kiwi, Plum."}[folder])


def test_known_labels_are_accepted_in_any_unicode_form() -> None:
    given = arguments.parse(["--images", "s3://b/t", "--output", "s3://b/r", "--labels", "Pa\u0302te"])

    assert check_labels(given, {"s3://b/t": found("P\u00e2te/1.jpg")}) == []


@pytest.fixture
def sets(aws: Aws, bucket: str) -> str:
    """Upload two sets with labels; return their bucket."""
    for key in ("fruits/Training/Kiwi/1.jpg", "fruits/Test/Pear/2.jpg", "shops/3.jpg"):
        aws.s3.put_object(Bucket=bucket, Key=f"images/{key}", Body=b"1")
    return bucket


@pytest.mark.parametrize(
    ("folder", "suggestion"),
    [("fruit", "fruits"), ("fruits/Trainig", "fruits/Training"), ("fruit/Training", "fruits")],
)
def test_suggests_the_nearest_set_or_folder(aws: Aws, sets: str, folder: str, suggestion: str) -> None:
    with pytest.raises(RunRefusedError) as raised:
        require_photos(aws, f"s3://{sets}/images/{folder}")

    assert raised.value.hint.startswith(f"Did you mean {suggestion}?")


def test_suggests_an_upload_where_nothing_is_uploaded(aws: Aws, bucket: str) -> None:
    with pytest.raises(RunRefusedError) as raised:
        require_photos(aws, f"s3://{bucket}/images/fruits")

    assert raised.value.hint.endswith(": orchard upload FOLDER fruits")


def test_suggests_the_folder_of_this_machine_that_has_the_name(
    aws: Aws, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fruits").mkdir()
    monkeypatch.chdir(tmp_path)

    with pytest.raises(RunRefusedError) as raised:
        require_photos(aws, f"s3://{bucket}/images/fruits")

    assert raised.value.hint.endswith(": orchard upload fruits fruits")


@pytest.mark.parametrize("key", ["", "/", "/models/none.tflite"])
def test_refuses_a_file_that_is_not_in_s3(aws: Aws, bucket: str, key: str) -> None:
    with pytest.raises(RunRefusedError) as raised:
        require_file(aws, "--model", f"s3://{bucket}{key}")

    assert f"s3://{bucket}" in raised.value.message


@pytest.mark.parametrize("uri", [None, "model.tflite"])
def test_files_of_this_machine_are_not_looked_for(aws: Aws, uri: str | None) -> None:
    require_file(aws, "--model", uri)


def test_refuses_to_predict_with_an_unknown_run(aws: Aws, bucket: str) -> None:
    aws.s3.put_object(Bucket=bucket, Key="results/first/manifest.json", Body=b'{"schema_version": 2}')

    require_results(aws, f"s3://{bucket}/results/first")
    with pytest.raises(RunUnknownError) as raised:
        require_results(aws, f"s3://{bucket}/results/frist")

    assert raised.value.hint.startswith("Did you mean first?")
