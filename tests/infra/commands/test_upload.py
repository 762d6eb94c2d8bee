"""Tests of `orchard upload`: what a person types and reads."""

import errno
import io
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tqdm import tqdm

from infra import cli
from infra.aws import stacks
from infra.aws.client import Aws
from infra.commands import upload as command
from infra.commands.output.bar import duration, shown
from infra.context import Context
from infra.errors import WrongUseError
from infra.teardown import tagged_resources
from infra.upload import set_prefix
from tests.error_report import codes, told, values
from tests.infra.s3_server import FakeS3


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """What a person looks at."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def context() -> Context:
    return Context(lambda: Aws("eu-west-1"), terminal=io.StringIO(), clock=Clock(), sleep=lambda _: None)


@pytest.fixture
def data_stack(fake_s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> FakeS3:
    """Let the stack's bucket be the fake one's."""
    monkeypatch.setattr(stacks, "data_bucket", lambda _: "data")
    # The fake is an S3 only, and no service of tags.
    monkeypatch.setattr(tagged_resources, "kept_buckets", lambda _: [])
    return fake_s3


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "fruits"
    for name in ("apple/1.jpg", "apple/2.jpg", "pear/3.png", "pear/notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x" * 50_000)
    return folder


def said(context: Context) -> list[str]:
    assert isinstance(context.terminal, io.StringIO)
    return context.terminal.getvalue().splitlines()


def test_a_folder_becomes_a_set_of_its_name(data_stack: FakeS3, photos: Path, context: Context) -> None:
    assert cli.main(["upload", str(photos)], context) == 0

    assert sorted(data_stack.objects) == [
        "images/fruits/apple/1.jpg",
        "images/fruits/apple/2.jpg",
        "images/fruits/pear/3.png",
    ]
    assert list(map(values, said(context))) == [
        ["3", "0.1 MB", "2", "s3://data/images/fruits/"],
        ["1", "1", ".txt"],
        ["3", "0.1 MB", "0 s", "0"],
        ["orchard run --images fruits --on emr"],
    ]


def test_the_second_call_sends_nothing_and_says_so(data_stack: FakeS3, photos: Path, context: Context) -> None:
    cli.main(["upload", str(photos), "mine"], context)
    data_stack.puts.clear()
    data_stack.objects["images/mine/older.jpg"] = b"older"

    assert cli.main(["upload", str(photos), "mine"], context) == 0

    assert data_stack.puts == []
    assert list(map(values, said(context)[6:])) == [
        ["0", "0.0 MB", "0 s", "3"],
        ["1"],
        ["orchard run --images mine --on emr"],
    ]


def test_a_folder_is_required(context: Context, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["upload"], context) == 2

    assert codes(capsys.readouterr().err) == ["ORC-201"]


def test_every_file_is_sent_when_asked_for(data_stack: FakeS3, photos: Path, context: Context) -> None:
    assert cli.main(["upload", str(photos), "--every-file"], context) == 0

    assert "images/fruits/pear/notes.txt" in data_stack.objects
    assert values(said(context)[0]) == ["4", "0.2 MB", "2", "s3://data/images/fruits/"]


def test_a_folder_typed_as_a_dot_has_a_name_too(
    data_stack: FakeS3, photos: Path, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos)

    assert cli.main(["upload", "."], context) == 0

    assert "images/fruits/apple/1.jpg" in data_stack.objects


def test_archive_becomes_a_set_without_unpacking(data_stack: FakeS3, photos: Path, context: Context) -> None:
    zipped = shutil.make_archive(str(photos.with_name("pears")), "zip", photos)

    assert cli.main(["upload", zipped], context) == 0

    assert sorted(data_stack.objects) == [
        f"images/pears/{name}" for name in ("apple/1.jpg", "apple/2.jpg", "pear/3.png")
    ]
    assert said(context)[-1] == "Next: orchard run --images pears --on emr"


def test_shards_are_sent_and_counted(data_stack: FakeS3, photos: Path, context: Context) -> None:
    for _ in range(2):
        assert cli.main(["upload", str(photos), "--shards"], context) == 0

    assert list(data_stack.objects) == data_stack.puts == ["images/fruits/orchard-000000.tar"]
    size = len(data_stack.objects["images/fruits/orchard-000000.tar"]) / 1e6
    assert list(map(values, said(context)[2:4])) == [["1", f"{size:.1f} MB"], ["1", f"{size:.1f} MB", "0 s", "0"]]
    assert values(said(context)[-2]) == ["0", "0.0 MB", "0 s", "1"]


def test_shard_size_needs_shards(photos: Path, context: Context, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["upload", str(photos), "--shard-size", "8"], context) == 2

    message, hint = told(capsys.readouterr().err)
    assert "--shard-size" in message
    assert hint.endswith(f"orchard upload {photos} fruits --shards")


@pytest.mark.parametrize("size", ["0", "10001", "64MB", "-1"])
def test_shard_size_is_a_number_of_megabytes(size: str, photos: Path, context: Context) -> None:
    assert cli.main(["upload", str(photos), "--shards", "--shard-size", size], context) == 2


@pytest.mark.parametrize(
    ("before", "options", "fix"),
    [
        ("orchard-000000.tar", [], "fruits --shards"),
        ("apple/0.jpg", ["--shards"], "fruits-shards --shards"),
        ("photos.zip", ["--shards"], "fruits-shards --shards"),
    ],
)
def test_set_never_mixes_shards_and_single_photos(
    data_stack: FakeS3,
    photos: Path,
    context: Context,
    capsys: pytest.CaptureFixture[str],
    before: str,
    options: list[str],
    fix: str,
) -> None:
    data_stack.objects[f"images/fruits/{before}"] = b"earlier"

    assert cli.main(["upload", str(photos), *options], context) == 2

    written = capsys.readouterr().err
    assert codes(written) == ["ORC-224"]
    assert told(written)[1].endswith(f"orchard upload {photos} {fix}")
    assert data_stack.puts == []


def test_shards_left_over_are_named_with_the_command(
    data_stack: FakeS3, photos: Path, context: Context, capsys: pytest.CaptureFixture[str]
) -> None:
    data_stack.objects["images/fruits/orchard-000001.tar"] = b"earlier"

    assert cli.main(["upload", str(photos), "--shards"], context) == 2

    written = capsys.readouterr().err
    assert codes(written) == ["ORC-224"]
    assert told(written)[1].endswith(": aws s3 rm s3://data/images/fruits/orchard-000001.tar")
    assert "images/fruits/orchard-000000.tar" in data_stack.objects


def test_photo_that_cannot_be_packed_is_listed(data_stack: FakeS3, photos: Path, context: Context) -> None:
    (photos / "pear" / "4.jpg").symlink_to(photos / "nothing")

    assert cli.main(["upload", str(photos), "--shards"], context) == 1

    assert values(said(context)[-1]) == ["pear/4.jpg"]
    assert len(data_stack.puts) == 1


def test_price_counts_shards_instead_of_photos(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Aws, "on_this_machine", False)

    assert list(map(values, command._cost(context, 67_692))) == [["67,692", "0.338 USD", "--shards"]]
    assert list(map(values, command._cost(context, 10))) == [["10", "0.001 USD"]]
    assert list(map(values, command._cost(context, 72, 67_692))) == [["72", "0.001 USD", "67,692", "0.338 USD"]]


def test_failed_files_are_listed_and_the_exit_code_is_1(
    data_stack: FakeS3, photos: Path, context: Context, capsys: pytest.CaptureFixture[str]
) -> None:
    data_stack.failures["images/fruits/apple/2.jpg"] = [(500, "InternalError")] * 10
    (photos / "pear" / "4.jpg").symlink_to(photos / "nothing")

    assert cli.main(["upload", str(photos)], context) == 1

    assert list(map(values, said(context)[1:])) == [
        ["1", "1", ".txt"],
        ["2", "0.1 MB", "0 s", "0"],
        ["apple/2.jpg", "8", "InternalError"],
        ["pear/4.jpg"],
    ]
    assert os.strerror(errno.ENOENT) in said(context)[-1]
    assert "2 photos" in capsys.readouterr().err.splitlines()[0]


@pytest.mark.usefixtures("data_stack")
def test_a_hundred_failures_are_listed_and_the_others_counted(photos: Path, context: Context) -> None:
    for number in range(150):
        (photos / f"{number:03d}.jpg").symlink_to(photos / "nothing")

    assert cli.main(["upload", str(photos)], context) == 1

    assert len(said(context)) == 3 + 100 + 1
    assert said(context)[-1] == "and 50 more."


@pytest.mark.parametrize(
    ("refusal", "exit_code", "code", "named", "command"),
    [
        ((400, "ExpiredToken"), 2, "ORC-300", [], ["aws sso login"]),
        ((503, "SlowDown"), 75, "ORC-303", ["8", "SlowDown"], []),
    ],
)
def test_a_listing_that_aws_refuses_is_two_lines(
    data_stack: FakeS3,
    photos: Path,
    context: Context,
    capsys: pytest.CaptureFixture[str],
    refusal: tuple[int, str],
    exit_code: int,
    code: str,
    named: list[str],
    command: list[str],
) -> None:
    data_stack.list_failures = [refusal] * 10

    assert cli.main(["upload", str(photos)], context) == exit_code

    written = capsys.readouterr().err
    assert codes(written) == [code]
    message, hint = told(written)
    assert values(message) == ["s3://data/images/fruits/", *named]
    assert values(hint) == command


@pytest.mark.usefixtures("fake_s3")
def test_credentials_never_appear_even_with_debug(
    photos: Path,
    context: Context,
    capsys: pytest.CaptureFixture[str],
    data_stack: FakeS3,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "very-secret-token")
    data_stack.failures["*"] = [(403, "SignatureDoesNotMatch")]

    assert cli.main(["upload", str(photos), "--debug"], context) == 2

    told = capsys.readouterr()
    assert "SignatureDoesNotMatch" in told.err
    for secret in ("very-secret", "very-secret-token", "AKIDTESTING"):
        assert secret not in told.out + told.err + "\n".join(said(context))


@pytest.mark.usefixtures("data_stack")
def test_interrupted_it_says_how_to_go_on(
    photos: Path,
    context: Context,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(*_: object) -> Iterator[object]:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "upload", interrupt)

    assert cli.main(["upload", str(photos)], context) == 130

    assert codes(capsys.readouterr().err) == ["ORC-203"]


def test_a_folder_that_is_not_there_is_said_before_aws_is_asked(
    context: Context, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["upload", str(tmp_path / "nowhere")], context) == 2

    message, hint = told(capsys.readouterr().err)
    assert f"'{tmp_path}/nowhere'" in message
    assert hint.endswith(f": ls {tmp_path}")


@pytest.mark.usefixtures("s3_endpoint")
def test_photos_go_to_the_bucket_of_the_stack(
    photos: Path, context: Context, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given no stack, then it is said; given the stack, then its own bucket holds the photos."""
    aws = context.aws
    assert cli.main(["upload", str(photos)], context) == 2
    assert "OrchardData" in capsys.readouterr().err.splitlines()[0]
    template = {
        "Resources": {"Data": {"Type": "AWS::S3::Bucket"}},
        "Outputs": {"DataBucket": {"Value": {"Ref": "Data"}}},
    }
    aws.cloudformation.create_stack(StackName="OrchardData", TemplateBody=json.dumps(template))

    assert cli.main(["upload", str(photos)], context) == 0

    buckets = [one["Name"] for one in aws.s3.list_buckets()["Buckets"] if one["Name"].startswith("orcharddata")]
    assert aws.s3.list_objects_v2(Bucket=buckets[0])["KeyCount"] == 3
    for found in aws.s3.list_objects_v2(Bucket=buckets[0])["Contents"]:
        aws.s3.delete_object(Bucket=buckets[0], Key=found["Key"])
    aws.cloudformation.delete_stack(StackName="OrchardData")


@pytest.mark.parametrize("name", ["fruits", "Fruits-360_v2.1", "7"])
def test_a_set_lies_under_its_name(name: str) -> None:
    assert set_prefix(name) == f"images/{name}/"


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [("my photos", "my-photos"), ("../up", "up"), ("-x", "x"), ("a/b", "a-b"), ("🍎", "photos"), ("", "photos")],
)
def test_an_invalid_name_is_refused_with_a_valid_one(name: str, suggestion: str) -> None:
    with pytest.raises(WrongUseError) as raised:
        set_prefix(name)

    assert f"'{name}'" in raised.value.message
    assert raised.value.hint.endswith(f"orchard upload PATH {suggestion}")


def test_the_hint_for_an_invalid_name_uploads_the_same_folder() -> None:
    with pytest.raises(WrongUseError) as raised:
        set_prefix("a b", "my photos/")

    assert raised.value.hint.endswith("orchard upload 'my photos/' a-b")


def test_a_terminal_shows_a_bar_with_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    class Kept(tqdm):  # type: ignore[misc]
        def close(self) -> None:
            drawn.append(str(self))
            super().close()

    monkeypatch.setattr("job.results.bar.tqdm", Kept)

    with shown(Terminal(), Clock(), 4, "photos") as step:
        step()
        step()

    assert "50%" in drawn[0]
    assert "2/4" in drawn[0]
    assert "photos/s" in drawn[0]


def test_elsewhere_a_line_is_written_every_half_minute() -> None:
    log, clock = io.StringIO(), Clock()

    with shown(log, clock, 1000, "photos") as step:
        for _ in range(100):
            clock.now += 0.75
            step()

    assert list(map(values, log.getvalue().splitlines())) == [
        ["40", "1,000", "1", "12 min"],
        ["80", "1,000", "1", "12 min"],
    ]


@pytest.mark.parametrize(
    ("seconds", "said_as"), [(0.4, "0 s"), (119, "119 s"), (120, "2 min"), (3599, "1 h 0 min"), (12_000, "3 h 20 min")]
)
def test_durations_are_rounded_for_reading(seconds: float, said_as: str) -> None:
    assert duration(seconds) == said_as
