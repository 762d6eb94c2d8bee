"""Tests of job/images/image_list.py: lists as people write them, and S3 Inventories as AWS does."""

import gzip
import json
from pathlib import Path

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from job.errors import PhotosNotFoundError
from job.images import LARGEST_FILE, TRAIN, Subset, image_list, labels
from job.images.image_list import Listed


def write(path: Path, content: str | bytes) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


@pytest.mark.parametrize(
    "content",
    [
        "s3://b/Kiwi/1.jpg\n/photos/Pear/100%.jpg\n",
        "uri\ns3://b/Kiwi/1.jpg\n/photos/Pear/100%.jpg\n",
        'kind,"Path"\nx,s3://b/Kiwi/1.jpg\ny,"/photos/Pear/100%.jpg"\n',
        gzip.compress(b"s3://b/Kiwi/1.jpg\n/photos/Pear/100%.jpg\n"),
    ],
    ids=["one column", "header", "one of several columns", "compressed"],
)
def test_reads_uris_of_csv_unchanged(content: str | bytes, tmp_path: Path) -> None:
    assert image_list.read(write(tmp_path / "list.csv", content)) == [
        Listed("s3://b/Kiwi/1.jpg"),
        Listed("/photos/Pear/100%.jpg"),
    ]


@pytest.mark.parametrize("column", ["file_name", "filename", "filepath", "image_path", "Path"])
@pytest.mark.parametrize("header", ["label,{0}", "label,{0},id"])
def test_reads_label_column(header: str, column: str, tmp_path: Path) -> None:
    content = header.format(column) + "\ncat,1.jpg" + (",7" if "id" in header else "") + "\n"

    listed = image_list.list_photos(write(tmp_path / "list.csv", content), TRAIN, Subset()).to_pylist()

    assert [(it["path"], it["label"]) for it in listed] == [(f"{tmp_path}/1.jpg", "cat")]


@pytest.mark.parametrize("content", ["cat,1.jpg\n", "kind,picture\ncat,1.jpg\n", '"kind","picture"\n"cat","1.jpg"\n'])
def test_never_takes_label_for_bucket(content: str, tmp_path: Path) -> None:
    with pytest.raises(PhotosNotFoundError) as raised:
        image_list.read(write(tmp_path / "list.csv", content))

    assert raised.value.code == "ORC-110"
    assert content.split("\n", maxsplit=1)[0].replace('"', "").replace(",", ", ") in raised.value.message


def test_label_pattern_applies_to_uri_of_list(tmp_path: Path) -> None:
    list_uri = write(tmp_path / "list.csv", "uri,size,etag,label\ns3://b/Kiwi/x/1.jpg,1,x,other\n")

    listed = image_list.list_photos(list_uri, TRAIN, Subset(), pattern=labels.compiled("s3://b/([^/]+)/"))

    assert listed["label"].to_pylist() == ["Kiwi"]


def test_relative_paths_begin_in_the_lists_own_folder(tmp_path: Path) -> None:
    assert image_list.read(write(tmp_path / "list.csv", "path\nKiwi/1.jpg\n")) == [Listed(f"{tmp_path}/Kiwi/1.jpg")]


def test_decodes_percent_encoded_keys_of_csv(tmp_path: Path) -> None:
    list_uri = write(tmp_path / "list.csv", '"photos","Red+Apple/a%20b%25.jpg"\n"photos","Kiwi/%F0%9F%8D%8E.jpg"\n')

    assert image_list.read(list_uri) == [
        Listed("s3://photos/Red Apple/a b%.jpg"),
        Listed("s3://photos/Kiwi/🍎.jpg"),
    ]


def test_reads_sizes_versions_and_plain_keys_from_parquet(tmp_path: Path) -> None:
    table = pa.table({"bucket": ["b"], "key": ["Kiwi/100%.jpg"], "size": [5], "e_tag": ["abc"]})
    pq.write_table(table, tmp_path / "list.parquet")

    assert image_list.read(f"{tmp_path}/list.parquet") == [Listed("s3://b/Kiwi/100%.jpg", 5, "abc")]


def test_reads_inventory_without_old_and_deleted_versions(bucket: str) -> None:
    rows = [
        '"photos","Kiwi/1.jpg","true","false","5","2026-11-20T10:00:00.000Z","abc"',
        '"photos","Kiwi/1.jpg","false","false","4","2026-11-19T10:00:00.000Z","old"',
        '"photos","Kiwi/2.jpg","true","true","","2026-11-20T10:00:00.000Z",""',
    ]
    client = boto3.client("s3")
    client.put_object(Bucket=bucket, Key="i/data/1.csv.gz", Body=gzip.compress("\n".join(rows).encode()))
    manifest = {
        "sourceBucket": "photos",
        "destinationBucket": f"arn:aws:s3:::{bucket}",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag",
        "files": [{"key": "i/data/1.csv.gz", "size": 1, "MD5checksum": "x"}],
    }
    client.put_object(Bucket=bucket, Key="i/manifest.json", Body=json.dumps(manifest).encode())

    assert image_list.read(f"s3://{bucket}/i/manifest.json") == [Listed("s3://photos/Kiwi/1.jpg", 5, "abc")]


def test_listed_photos_are_sorted_unique_and_labelled_by_folder(tmp_path: Path) -> None:
    (tmp_path / "Kiwi").mkdir()
    (tmp_path / "Kiwi" / "1.jpg").write_bytes(b"12345")
    list_uri = write(tmp_path / "list.csv", "Pear/9.jpg\nKiwi/1.jpg\nKiwi/1.jpg\nKiwi/notes.txt\n")

    photos = image_list.list_photos(list_uri, TRAIN, Subset()).to_pylist()

    modified = (tmp_path / "Kiwi" / "1.jpg").stat().st_mtime_ns
    assert [(it["path"], it["label"], it["size"], bool(it["problem"]), it["version"]) for it in photos] == [
        (f"{tmp_path}/Kiwi/1.jpg", "Kiwi", 5, False, f"5-{modified}"),
        (f"{tmp_path}/Pear/9.jpg", "Pear", 0, True, "0-"),
    ]


def test_does_not_look_up_sizes_that_the_list_holds(tmp_path: Path) -> None:
    list_uri = write(tmp_path / "list.csv", "uri,size,etag\ns3://nobody/reads/1.jpg,5,abc\n")

    photo = image_list.list_photos(list_uri, TRAIN, Subset()).to_pylist()[0]

    assert (photo["size"], photo["version"], photo["problem"]) == (5, "5-abc", "")


def test_rejects_listed_photo_above_largest_file(tmp_path: Path) -> None:
    list_uri = write(tmp_path / "list.csv", f"uri,size,etag\ns3://nobody/reads/1.jpg,{LARGEST_FILE + 1},abc\n")

    photo = image_list.list_photos(list_uri, TRAIN, Subset()).to_pylist()[0]

    assert "500,000,001" in photo["problem"]


def test_a_subset_is_drawn_from_a_list(tmp_path: Path) -> None:
    lines = [f"s3://b/{label}/{number}.jpg,1,x" for label in ("Kiwi", "Pear") for number in range(5)]
    list_uri = write(tmp_path / "list.csv", "\n".join(["uri,size,etag", *lines]))

    photos = image_list.list_photos(list_uri, TRAIN, Subset(("Pear",), 2, 0))

    assert photos["label"].to_pylist() == ["Pear", "Pear"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("none.csv", None),
        ("list.csv", "s3://b/notes.txt\n"),
        ("list.csv", ""),
        ("list.parquet", "hello"),
        ("manifest.json", '{"files": []}'),
        ("list.csv", "a,path\n1\n"),
    ],
    ids=["missing", "no photo", "empty", "no Parquet", "no Inventory", "uneven"],
)
def test_refuses_what_is_no_list_of_photos(name: str, content: str | None, tmp_path: Path) -> None:
    if content is not None:
        write(tmp_path / name, content)

    with pytest.raises(PhotosNotFoundError) as raised:
        image_list.list_photos(f"{tmp_path}/{name}", TRAIN, Subset())

    assert f"'{tmp_path}/{name}'" in raised.value.message
