"""Tests of bench/speed.py: medians, table and page; nothing is measured."""

import sys
from pathlib import Path

import pytest

from bench import speed, watched
from bench.speed import BEGIN, END, Round
from bench.watched import Watched
from tests.error_report import values


def rounds(*seconds: float, components: float | None = None) -> list[Round]:
    return [Round(100, of, components, of + 1, {"python": 50_000_000}) for of in seconds]


def test_of_several_rounds_the_median_counts() -> None:
    found = speed.summary({"float32": rounds(1.0, 10.0, 2.0, components=0.5)})["float32"]

    assert (found["photos_a_second"], found["whole_s"], found["components_s"]) == (50.0, 3.0, 0.5)


def test_the_table_compares_with_the_fastest() -> None:
    contenders = speed.summary({"loop": rounds(1.0), "float32": rounds(1.25, components=0.5)})

    table = speed.describe({"machine": "2 cores", "rounds": 1, "contenders": contenders})

    assert values(table.splitlines()[0]) == ["100", "1", "2"]
    assert table.splitlines()[-2:] == [
        "| loop | 100 | 1.00 |  | 2.0 | 50 |",
        "| float32 | 80.0 | 0.80 | 0.5 | 2.2 | 50 |",
    ]


def test_large_photos_are_not_compared_with_small_ones() -> None:
    contenders = speed.summary({"float32": rounds(1.0), "large": rounds(8.0)})

    table = speed.describe({"machine": "2 cores", "rounds": 1, "contenders": contenders})

    assert table.splitlines()[-2:] == [
        "| float32 | 100 | 1.00 |  | 2.0 | 50 |",
        "| large | 12.5 |  |  | 9.0 | 50 |",
    ]


def test_what_another_command_prints_last_is_its_result() -> None:
    said = 'starting\n{"images": 10, "img_per_s": 5.0, "scale_pca_s": 1.5}\n'

    assert speed.of_printed(Watched(9.0, said, {})) == Round(10, 2.0, 1.5, 9.0, {})


def test_the_table_of_an_earlier_time_is_replaced() -> None:
    page = f"# Page\n\n{BEGIN}\nold\n{END}\nafter\n"

    assert speed.with_table(page, "new") == f"# Page\n\n{BEGIN}\nnew\n{END}\nafter\n"


def test_a_page_without_a_table_gets_one_at_its_end() -> None:
    assert speed.with_table("# Page\n", "new") == f"# Page\n\n{BEGIN}\nnew\n{END}\n"


def test_numbered_copies_keep_their_label(tmp_path: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        (tmp_path / "photos" / label / "photo.jpg").write_bytes(label.encode())

    folder = speed.copies(tmp_path / "photos", 3, tmp_path)

    assert {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.jpg")} == {
        "a/0000000.jpg": b"a",
        "b/0000001.jpg": b"b",
        "a/0000002.jpg": b"a",
    }


def test_an_unknown_contender_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert speed.main(["--photos", "photos", "--only", "loop,nobody"]) == 2

    message, hint = capsys.readouterr().out.splitlines()
    assert "nobody" in message
    assert "loop, inference, float32, int8, late-shards, large, large-scaled; --other NAME='COMMAND' " in hint


WORKING = """
import tempfile, time
from pathlib import Path
from job.results.progress import Progress
from job.spark import session
with tempfile.TemporaryDirectory() as folder:
    with (
        session.launched("local[1]") as launch,
        session.opened(launch, (), Progress(folder, "run"), Path(folder)) as context,
    ):
        context.parallelize([1], 1).map(lambda _: time.sleep(1)).collect()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: reads memory from /proc")
def test_a_command_is_watched_with_the_processes_that_it_starts() -> None:
    holding = "import time; held = b'x' * 90_000_000; time.sleep(1)"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {holding!r}])"

    seen = watched.run([sys.executable, "-c", program])

    assert max(seen.memory.values()) > 90_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: reads memory from /proc")
def test_spark_workers_are_watched_by_their_own_name() -> None:
    seen = watched.run([sys.executable, "-c", WORKING])

    assert seen.memory["worker"] > 10_000_000


def test_a_command_that_fails_is_not_measured() -> None:
    with pytest.raises(watched.CommandFailedError, match="exit code 3: broken"):
        watched.run([sys.executable, "-c", "import sys; sys.stderr.write('broken'); sys.exit(3)"])
