"""Tests of infra/pricing/speed.py: the speed of the last run is kept on this machine."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.errors import NotAllowedError
from infra.pricing.speed import BENCHMARK, Speed, expected_speed, keep_speed, measured
from infra.runs import Node, Step, history, mean_cores
from tests.error_report import values
from tests.infra.conftest import fake_call
from tests.infra.fake_price_list import NOW
from tests.infra.person import Person, cluster_that_ran

BEGIN = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)

MANIFEST: dict[str, Any] = {
    "counts": {"used": 24_000},
    "seconds": {"start": 20.0, "features": 180.0, "fit": 20.0},
}
"""Of a run that took 200 s for 24,000 photos: 10 a second and core on 12 virtual CPUs."""


@pytest.fixture
def run(person: Person) -> Step:
    """Return a run of half an hour on one core node and two task nodes, of type m5.xlarge."""
    cluster_that_ran("first", NOW - 2 * HOUR, minutes=120, step=(30, 60))
    return history.find_run(person.aws, "first")


def test_keeps_the_speed_of_a_run_for_its_instance_type(person: Person, run: Step, tmp_path: Path) -> None:
    keep_speed(tmp_path, person.aws, run, MANIFEST)

    kept = expected_speed(tmp_path, "m5.xlarge")
    assert kept.photos_a_second_and_core == pytest.approx(10.0)
    assert kept.fixed_seconds == 20.0
    assert values(kept.basis) == ["first", "m5.xlarge", "24,000", "220 s"]
    assert expected_speed(tmp_path, "m6i.xlarge") == BENCHMARK


def test_a_run_on_another_type_leaves_the_kept_speeds(person: Person, run: Step, tmp_path: Path) -> None:
    other = {"photos_a_second_and_core": 7.0, "fixed_seconds": 1.0, "basis": "another run"}
    (tmp_path / "speed.json").write_text(json.dumps({"m7i.xlarge": other}))

    keep_speed(tmp_path, person.aws, run, MANIFEST)

    assert expected_speed(tmp_path, "m7i.xlarge") == Speed(7.0, 1.0, "another run")
    assert expected_speed(tmp_path, "m5.xlarge") != BENCHMARK


def test_a_run_that_tells_no_speed_keeps_the_last(person: Person, run: Step, tmp_path: Path) -> None:
    keep_speed(tmp_path, person.aws, run, MANIFEST)
    keep_speed(tmp_path, person.aws, run, {**MANIFEST, "counts": {"used": 10}})

    assert expected_speed(tmp_path, "m5.xlarge").photos_a_second_and_core == pytest.approx(10.0)


def test_a_refusal_to_list_the_nodes_is_an_error(person: Person, run: Step, tmp_path: Path) -> None:
    fake_call(person.aws, "emr.ListInstances", {"Error": {"Code": "AccessDeniedException", "Message": "No."}})

    with pytest.raises(NotAllowedError):
        keep_speed(tmp_path, person.aws, run, MANIFEST)


def test_a_speed_that_cannot_be_kept_is_lost_without_an_error(person: Person, run: Step, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    keep_speed(tmp_path / "file", person.aws, run, MANIFEST)
    keep_speed(None, person.aws, run, MANIFEST)

    assert expected_speed(tmp_path / "file", "m5.xlarge") == BENCHMARK
    assert expected_speed(None, "m5.xlarge") == BENCHMARK


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"m5.xlarge": {"photos": 1}}', '{"m5.xlarge": 1}'])
def test_a_damaged_file_leaves_the_benchmark(content: str, tmp_path: Path) -> None:
    (tmp_path / "speed.json").write_text(content)

    assert expected_speed(tmp_path, "m5.xlarge") == BENCHMARK


def test_the_benchmark_is_92_photos_a_second_and_core() -> None:
    assert BENCHMARK.seconds(92 * 12 * 60, cores=12) == 60 + 60
    assert values(BENCHMARK.basis) == ["184", "2"]


def test_a_manifest_tells_the_speed_of_its_run() -> None:
    seconds = {"list": 3.0, "start": 20.0, "features": 180.0, "fit": 15.0, "projection": 5.0, "infer": 900.0}

    speed = measured({"counts": {"used": 24_000}, "seconds": seconds}, 12, "the run 'first' on m5.xlarge")

    assert speed is not None
    assert speed == Speed(10.0, 23.0, speed.basis)
    assert values(speed.basis) == ["first", "m5.xlarge", "24,000", "223 s"]


@pytest.mark.parametrize(
    ("manifest", "cores"),
    [
        ({"counts": {"used": 999}, "seconds": {"features": 9.0}}, 4),
        ({"counts": {"used": 5000}, "seconds": {}}, 4),
        ({"counts": {"used": 5000}, "seconds": {"descriptors": 16.1, "fit": 0.3, "projection": 0.4}}, 4),
        ({"counts": {"used": 5000}, "seconds": {"features": 9.0}}, 0.0),
        ({"counts": {"used": 5000}, "seconds": {"features": 9.0}, "resumed": {"reused": 4000}}, 4),
        ({}, 4),
    ],
    ids=["too short", "no times", "visual words", "no cores", "resumed", "empty"],
)
def test_some_runs_tell_no_speed(manifest: dict[str, object], cores: float) -> None:
    assert measured(manifest, cores, "a run") is None


def test_cores_are_the_mean_over_a_run() -> None:
    nodes = [
        Node("m5.xlarge", "ON_DEMAND", BEGIN - HOUR, None),
        Node("m5.xlarge", "SPOT", BEGIN + HOUR, BEGIN + 9 * HOUR),
        Node("m5.xlarge", "SPOT", BEGIN - 2 * HOUR, BEGIN - HOUR),
    ]

    assert mean_cores(nodes, BEGIN, BEGIN + 2 * HOUR) == 6.0
    assert mean_cores(nodes, BEGIN, BEGIN) == 0.0
