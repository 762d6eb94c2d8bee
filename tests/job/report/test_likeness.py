"""Tests of job/report/likeness.py, and of the report with a map."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from job.__main__ import main
from job.errors import NotInstalledError
from job.report import likeness
from tests.error_report import codes
from tests.job.report import synthetic


def two_groups(photos: int) -> npt.NDArray[np.float32]:
    """Return components of photos that are alternately in one of two groups."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(2, 10)) * 20
    components: npt.NDArray[np.float32] = (centres[np.arange(photos) % 2] + random.normal(size=(photos, 10))).astype(
        np.float32
    )
    return components


def test_nearest_photos_have_the_largest_cosine() -> None:
    components = np.array([[1, 0], [10, 1], [0, 1], [-1, 0], [0, 0]], np.float32)

    assert likeness.nearest(components, [0, 1, 2]) == [[1, 2], [0, 2], [1, 0], [2, 1], [0, 1]]
    assert likeness.nearest(components, []) == [[]] * 5
    assert likeness.nearest(components, [3])[3] == []


def test_no_more_than_the_nearest_few_are_returned() -> None:
    components = two_groups(40)

    found = likeness.nearest(components, range(40))

    assert {len(photos) for photos in found} == {likeness.NEAREST}
    assert all(photo not in like for photo, like in enumerate(found))
    assert all(other % 2 == photo % 2 for photo, like in enumerate(found) for other in like)


def test_map_keeps_groups_apart_and_is_the_same_for_a_seed() -> None:
    components = two_groups(80)

    made = likeness.positions(components, seed=1)

    assert made.shape == (80, 2)
    np.testing.assert_array_equal(made, likeness.positions(components, seed=1))
    assert (made != likeness.positions(components[::-1], seed=1)[::-1]).any()
    centres = np.array([made[0::2].mean(axis=0), made[1::2].mean(axis=0)])
    nearest = np.linalg.norm(made[:, np.newaxis] - centres, axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest, np.arange(80) % 2)


@pytest.mark.parametrize("photos", [1, 3, 4])
def test_few_photos_have_a_map_too(photos: int) -> None:
    assert likeness.positions(two_groups(photos), seed=0).shape == (photos, 2)


def test_map_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)

    with pytest.raises(NotInstalledError, match="--map"):
        likeness.positions(two_groups(10), seed=0)


def test_report_has_a_map_if_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    synthetic.write(synthetic.Run(("a", "b")), tmp_path)

    assert main(["report", str(tmp_path), "--map"]) == 0
    page = (tmp_path / "report.html").read_text()
    found = re.search(r'<script id="content" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    scatter = json.loads(found[1])["figures"]["scatter"]
    # Six components, then the positions
    assert {len(value["c"]) for value in scatter["data"]["values"]} == {8}
    shown = {parameter["name"]: parameter["value"] for parameter in scatter["params"]}
    assert (shown["across_component"], shown["upwards_component"]) == (6, 7)

    assert main(["report", str(tmp_path)]) == 0
    assert 'id="plane"' in page
    assert 'id="plane"' not in (tmp_path / "report.html").read_text()
    capsys.readouterr()


def test_missing_library_leaves_the_report_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    synthetic.write(synthetic.Run(("a", "b")), tmp_path)
    (tmp_path / "report.html").write_text("of the run")
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)

    assert main(["report", str(tmp_path), "--map"]) == NotInstalledError.exit_code

    assert codes(capsys.readouterr().err) == [NotInstalledError.code]
    assert (tmp_path / "report.html").read_text() == "of the run"
