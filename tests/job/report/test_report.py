"""Tests of job/report without a browser: what is read, drawn at random, written, and left out."""

import base64
import io
import json
import re
import string
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from job import storage
from job.__main__ import main
from job.errors import OutputInUseError, ResultsIncompleteError, ResultsUnusableError, UsageError
from job.features import STAGES, TASK_STAGES
from job.quality import KINDS
from job.report import (
    LANGUAGES,
    accuracy,
    calibration,
    checked,
    drawing,
    figures,
    findings,
    heat_map,
    label_bars,
    making,
    page,
    photo_sample,
    sections,
    thumbnails,
)
from job.report.messages import NARROW_SPACE, Messages, texts
from job.results import layout
from tests.error_report import codes
from tests.job.report import synthetic
from tests.job.report.conftest import HOSTILE

ENGLISH, FRENCH = (Messages(language) for language in LANGUAGES)
FRUITS_360_LABELS = tuple(f"Fruit number {number}" for number in range(131))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Return results with labels that would do harm where they are not taken as text. Read only."""
    folder = tmp_path_factory.mktemp("hostile")
    rejected = (("/photos/<script>/1.jpg", "damaged: </script>"), ("/photos/2.jpg", "the file is empty"))
    return folder, synthetic.write(synthetic.Run(HOSTILE, test=20, rejected=rejected), folder)


def test_sample_takes_equal_numbers_of_large_labels() -> None:
    assert photo_sample.photos_a_label([5, 100, 1000], wanted=205) == 100
    assert photo_sample.photos_a_label([5, 100, 1000], wanted=10_000) == 10_000
    assert photo_sample.photos_a_label([1] * 5000, wanted=2400) == 1


def test_shows_small_run_whole_and_samples_large_one_evenly(tmp_path: Path) -> None:
    small = synthetic.write(synthetic.Run(("a", "b"), classifier=False), tmp_path / "small")
    large = synthetic.write(synthetic.Run(("a", "b"), train=4000, classifier=False), tmp_path / "large")

    whole = findings.read(str(tmp_path / "small"), small).photos
    sampled = findings.read(str(tmp_path / "large"), large).photos

    assert (len(set(whole.paths)), whole.total, whole.components.shape) == (20, 20, (20, 12))
    assert (sampled.labels.count("a"), sampled.labels.count("b"), sampled.total) == (1200, 1200, 8004)
    assert findings.read(str(tmp_path / "large"), large).photos.paths == sampled.paths


def test_findings_are_what_the_files_say(hostile: tuple[Path, dict[str, Any]]) -> None:
    folder, manifest = hostile

    found = findings.read(str(folder), manifest)

    assert found.rejected == findings.Rejected(
        2,
        [("damaged: </script>", 1), ("the file is empty", 1)],
        [("/photos/<script>/1.jpg", "damaged: </script>"), ("/photos/2.jpg", "the file is empty")],
    )
    assert found.evaluation is not None
    assert found.evaluation.labels == sorted(HOSTILE)
    assert found.evaluation.confusion.sum() == 20 * len(HOSTILE)
    sure = [mistake.probability for mistake in found.evaluation.mistakes]
    assert sure == sorted(sure, reverse=True)
    assert len(sure) == min(found.evaluation.wrong, findings.MISTAKES_SHOWN)
    assert found.cumulative is not None
    assert found.cumulative.shape == (1280,)


def test_calibration_and_unknown_photos_are_shown(tmp_path: Path) -> None:
    manifest = synthetic.write(synthetic.Run(("a", "b"), test=20), tmp_path)
    metrics = json.loads((tmp_path / layout.METRICS).read_text())
    chosen = {"wanted_precision": 0.9, "precision": 0.9375, "kept": 0.625, "photos": 512}
    metrics["unknown"] = {"distance_limit": 4.5, "reject_below": 0.5, "photos": 7, "accuracy": 0.96875}
    metrics["unknown"]["chosen"] = chosen
    bins = [{"from": 0.9, "to": 1.0, "photos": 33, "probability": 0.953125, "accuracy": 0.8125}]
    metrics["calibration"] = {"ece": 0.0625, "bins": bins}
    (tmp_path / layout.METRICS).write_text(json.dumps(metrics))

    made = page.render(findings.read(str(tmp_path), manifest), {}, ENGLISH, script="")

    assert "7 of 40 test photos" in made
    assert all(text in made for text in ("96.88%", "6.2%", "95.3%", "81.2%", "33"))
    assert all(text in made for text in ("90.0%", "93.8%", "62.5%", "512"))


def test_reliability_figure_has_a_point_a_bin_and_the_diagonal() -> None:
    bins = [{"from": 0.9, "to": 1.0, "photos": 33, "probability": 0.953125, "accuracy": 0.8125}]

    drawn = calibration.reliability_figure({"ece": 0.0625, "bins": bins}, ENGLISH)

    diagonal, curve, points = (layer["data"]["values"] for layer in drawn["layer"])
    assert [(point["probability"], point["accuracy"]) for point in diagonal] == [(0, 0), (1, 1)]
    assert curve == points == bins


def test_photos_of_the_scatter_are_fitted_right_wrong_or_neither() -> None:
    # The last two: a rejected test photo, and a photo to predict
    paths, splits = list("abcde"), ["train", "test", "test", "test", "predict"]
    photos = photo_sample.PhotoSample(paths, ["x"] * 4 + [None], splits, np.zeros((5, 2), np.float32), 5)

    kinds = figures.kinds(photos, {"b": "x", "c": "y", "d": "unknown"})

    assert kinds == [figures.FITTED, figures.RIGHT, figures.WRONG, figures.OTHER, figures.OTHER]
    drawn = figures.scatter(photos, kinds, ["x", None], ENGLISH)
    assert [value["kind"] for value in drawn["data"]["values"]] == kinds


def test_scatter_knows_the_predictions_of_its_test_photos(tmp_path: Path) -> None:
    found = findings.read(str(tmp_path), synthetic.write(synthetic.Run(tuple("abcdef"), test=20), tmp_path))

    assert found.evaluation is not None
    kinds = figures.kinds(found.photos, sections.taken(found))
    assert kinds.count(figures.FITTED) == found.photos.splits.count("train") == 48
    assert kinds.count(figures.WRONG) == found.evaluation.wrong
    assert ENGLISH("scatter_rings") in sections.scatter(found, {}, ENGLISH)


def test_matrix_names_81_labels_in_natural_order_with_counts() -> None:
    labels = [f"label {number}" for number in sorted(range(81), key=str)]
    confusion = np.diag(np.full(81, 5))
    confusion[1, 2] = 3

    drawn = heat_map.heat_maps(findings.Evaluation({}, labels, labels, confusion, []), ENGLISH)["confusion"]

    assert drawn["params"][0]["value"] == [f"label {number}" for number in range(81)]
    assert drawn["encoding"]["y"]["axis"]["labelOverlap"] is False
    assert drawn["usermeta"]["digits"] == 1
    # "label 1" and "label 10" are second and third in plain order
    assert "1,10,3" in drawn["data"]["values"].splitlines()


def test_bars_have_the_photos_of_each_split() -> None:
    shown = label_bars.bars([("<b>", {"train": 30, "test": 10}), ("c", {"train": 10, "test": 0})], "t", ENGLISH)

    assert re.findall(r'class="of-(\w+)" style="width:([\d.]+)%"', shown) == [
        *(("train", "75.0"), ("test", "25.0")),
        *(("train", "25.0"), ("test", "0.0")),
    ]
    assert re.findall(r"<li><span>(.*?)</span>.*?<span>([\d +]+)</span>", shown) == [
        ("&lt;b&gt;", "30 + 10"),
        ("c", "10 + 0"),
    ]


def test_unknown_photos_are_no_mistakes(tmp_path: Path) -> None:
    columns = [["/1", "/2"], ["a", "a"], ["test"] * 2, ["unknown", "b"], pa.array([0.9, 0.8], pa.float32())]
    table = pa.table([*columns, [[1.0]] * 2, pa.nulls(2, pa.float32())], schema=layout.PREDICTIONS_SCHEMA)
    layout.write_parquet(str(tmp_path), "classifier/predictions/part-0.parquet", table)

    shown = findings.read_mistakes(str(tmp_path), ["classifier/predictions/part-0.parquet"])

    assert [mistake.path for mistake in shown] == ["/2"]


def test_wrong_predictions_of_untrained_labels_are_confusions() -> None:
    confusion = np.array([[9, 1], [0, 10], [3, 2]])
    evaluation = findings.Evaluation({}, ["a", "b"], ["a", "b", "new"], confusion, [])

    assert evaluation.wrong == 6
    assert evaluation.confusions() == [("new", "a", 3, 5), ("new", "b", 2, 5), ("a", "b", 1, 10)]
    assert heat_map.most_confused(evaluation) == {"a", "b", "new"}


def test_of_equally_sure_mistakes_those_of_many_labels_are_shown(tmp_path: Path) -> None:
    # Given a tree, which is as sure of each of 30 mistakes in each of three labels
    rows = [(f"/photos/{label}/{number}.jpg", label) for label in ("a", "b", "c") for number in range(30)]
    paths, labels = map(list, zip(*rows, strict=True))
    count = len(rows)
    table = pa.table(
        [
            *(paths, labels, ["test"] * count, ["other"] * count, pa.array([1.0] * count, pa.float32())),
            *([[1.0]] * count, pa.nulls(count, pa.float32())),
        ],
        schema=layout.PREDICTIONS_SCHEMA,
    )
    layout.write_parquet(str(tmp_path), "classifier/predictions/part-0.parquet", table)

    shown = findings.read_mistakes(str(tmp_path), ["classifier/predictions/part-0.parquet"])

    assert [mistake.label for mistake in shown] == ["a", "b", "c"] * (findings.MISTAKES_SHOWN // 3)
    assert [mistake.path for mistake in shown[:3]] == [f"/photos/{label}/0.jpg" for label in "abc"]


@pytest.mark.parametrize(
    ("path", "name"), [("s3://b/fruits/Pear/1.jpg", "1.jpg"), ("s3://b/fruits/pears/1.jpg", "pears/1.jpg")]
)
def test_card_names_folder_only_if_it_is_not_the_label(path: str, name: str) -> None:
    assert sections.name_beside(path, "Pear") == name


def test_photos_to_check_are_shown_with_their_relatives(tmp_path: Path) -> None:
    found = findings.read(str(tmp_path), synthetic.write(synthetic.Run(("a", "b")), tmp_path))

    assert found.checked is not None
    assert set(checked.paths(found.checked)) == {"/photos/a/0000.jpg", "/photos/b/0009.jpg"}
    shown = checked.section(found.checked, {"/photos/a/0000.jpg": "data:image/webp;base64,AA"}, ENGLISH)
    assert shown.count('class="card pair"') == len(KINDS) + 1
    assert shown.count("data:image/webp") == len(KINDS) + 1
    assert {"40.0%", "85.0%", "90.0%", "20 of 50"} <= set(re.findall(r"\d+ of \d+|[\d.]+%", shown))


def test_run_without_findings_has_nothing_to_check(tmp_path: Path) -> None:
    found = findings.read(str(tmp_path), synthetic.write(synthetic.Run(("a", "b")), tmp_path))
    assert found.checked is not None
    nothing: dict[str, Any] = {"leakage": None, "photos": dict.fromkeys(KINDS, 0), "examples": [], "pairs": []}

    assert checked.section(nothing, {}, ENGLISH) == f"<p>{ENGLISH('nothing_to_check')}</p>"
    without = checked.leakage_note({**found.checked["leakage"], "accuracy": None}, ENGLISH)
    assert "85.0%" not in without


def test_accuracy_has_its_interval_and_what_to_compare_it_with(tmp_path: Path) -> None:
    found = findings.read(str(tmp_path), synthetic.write(synthetic.Run(tuple("abcdef"), test=20), tmp_path))

    assert found.evaluation is not None
    right = 120 - found.evaluation.wrong
    assert found.evaluation.ranks[0] == right
    assert found.evaluation.ranks.total() == 120
    shown = accuracy.facts(found.evaluation.metrics, {3: 0.97}, ENGLISH)
    assert {"80.0%", "95.0%", "99.9%", "16.7%", "97.0%"} <= set(re.findall(r"[\d.]+%", shown))
    earlier = accuracy.facts({"accuracy": 0.5}, {}, ENGLISH)
    assert earlier.count("<tr>") == 1


def test_top_shares_count_photos_of_unknown_labels_as_wrong() -> None:
    ranks = {0: 5, 2: 3, 4: 1, 6: 1}

    assert accuracy.top_shares(ranks, labels=6) == {3: 0.8, 5: 0.9}
    assert accuracy.top_shares(ranks, labels=4) == {3: 0.8}
    assert accuracy.top_shares({}, labels=6) == {}


def test_every_label_is_listed_in_natural_order_tested_or_not() -> None:
    names = ("precision", "recall", "f1")
    labels = [("Apple 11", 4, 0.5), ("Apple 5", 0, None), ("<b>", 1, 1.0)]
    entries = [
        {"label": label, "photos": photos, "trained_on": 9, **dict.fromkeys(names, share)}
        for label, photos, share in labels
    ]

    shown = accuracy.every_label(entries, ENGLISH)

    assert re.findall(r"<tr><td>(.*?)</td>", shown) == ["&lt;b&gt;", "Apple 5", "Apple 11"]
    cells = re.findall(r'data-value="(.*?)">(.*?)<', shown)
    assert cells[5:10] == [("9", "9"), ("0", "0"), *[("null", "–")] * 3]
    assert cells[10:12] == [("9", "9"), ("4", "4")]


def test_most_confused_labels_have_a_colour_first(tmp_path: Path) -> None:
    labels = tuple(f"Label {number}" for number in range(30))
    found = findings.read(str(tmp_path), synthetic.write(synthetic.Run(labels, test=20), tmp_path))

    assert found.evaluation is not None
    chosen = page.first_chosen(found)
    true, predicted, *_ = found.evaluation.confusions()[0]
    assert chosen[:2] == [true, predicted]
    assert len(set(chosen)) == figures.COLOURS


def test_report_links_the_files_that_there_are(tmp_path: Path) -> None:
    found = findings.read(str(tmp_path), synthetic.write(synthetic.Run(("a", "b")), tmp_path))

    links = re.findall(r'href="([^#"]+)"', sections.run(found, ENGLISH))

    files = {layout.METRICS, layout.QUALITY, layout.EXPLAINED_VARIANCE}
    folders = {f"{folder}/" for folder in (layout.COMPONENTS, layout.PREDICTIONS)}
    assert files | folders == set(links) - {layout.CONFUSION_MATRIX}


def test_times_are_written_for_people() -> None:
    assert sections.moment("2026-11-21T18:51:59Z") == "2026-11-21 18:51:59 UTC"
    assert sections.moment("last night") == "last night"


def test_nothing_from_a_run_becomes_html_or_ends_a_script(hostile: tuple[Path, dict[str, Any]]) -> None:
    folder, manifest = hostile
    found = findings.read(str(folder), manifest)

    made = page.render(found, {}, ENGLISH, script="/* vega */")

    assert made.count("<script") == made.count("</script>") == 3
    assert "<img" not in made
    assert "<b>bold" not in made
    content = re.search(r'<script id="content" type="application/json">(.*?)</script>', made, re.DOTALL)
    assert content is not None
    assert json.loads(content[1])["scatter"]["labels"] == sorted(HOSTILE)


def test_the_library_cannot_end_its_script_tag() -> None:
    assert drawing.inert('a = "</script><!--"') == 'a = "<\\/script><\\!--"'


def test_the_library_is_put_together_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def bundle() -> str:
        made.append("once")
        return "vega"

    monkeypatch.setattr(drawing, "_bundle", bundle)

    assert [drawing.script({"XDG_CACHE_HOME": str(tmp_path)}) for _ in range(2)] == ["vega", "vega"]
    assert made == ["once"]


def test_the_library_is_there_even_if_it_cannot_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "_bundle", lambda: "vega")
    (tmp_path / "file").write_text("")

    assert drawing.script({"XDG_CACHE_HOME": str(tmp_path / "file")}) == "vega"


def test_90_000_photos_of_131_labels_make_less_than_3_megabytes(tmp_path: Path) -> None:
    run = synthetic.Run(FRUITS_360_LABELS, train=517, test=173)
    found = findings.read(str(tmp_path), synthetic.write(run, tmp_path))
    # As many thumbnails as may be, whatever the photos are like.
    each = "data:image/webp;base64," + "A" * (thumbnails.MOST_BYTES // making.THUMBNAILS - 23)
    pictures = dict.fromkeys(found.photos.paths[: making.THUMBNAILS], each)

    made = page.render(found, pictures, FRENCH, drawing.script())

    assert found.photos.total == 90_390
    assert len(made.encode()) < 3_000_000
    assert "2\u202f358 photos sur 90\u202f390" in made


def test_omits_huge_confusion_matrix_but_keeps_worst_part() -> None:
    count = heat_map.LARGEST_MATRIX + 1
    labels = [f"label {number}" for number in range(count)]
    confusion = np.diag(np.full(count, 9))
    confusion[0, 1] = 5
    evaluation = findings.Evaluation({}, labels, labels, confusion, [])

    drawn = heat_map.heat_maps(evaluation, ENGLISH)

    assert list(drawn) == ["focus"]
    assert drawn["focus"]["data"]["values"].splitlines() == ["row,column,photos", "0,0,9", "0,1,5", "1,1,9"]


def test_the_curve_marks_what_each_share_needs() -> None:
    cumulative = np.array([0.5, 0.7, 0.85, 0.92, 0.96, 0.991, 1.0])

    drawn = figures.scree(cumulative, {"0.8": 3, "0.99": 6}, 6, FRENCH)

    marks = drawn["layer"][1]["data"]["values"]
    assert marks == [
        {"n": 3, "share": 0.85, "text": f"80{NARROW_SPACE}% : 3"},
        {"n": 6, "share": 0.991, "text": f"99{NARROW_SPACE}% : 6 (retenues)"},
    ]


def test_counts_largest_and_smallest_of_many_labels() -> None:
    counts = {f"{number:04d}": number for number in range(1, 1001)}

    shown = label_bars.shown_labels({"train": counts, "test": {}})

    assert [label for label, _ in shown[:2]] == ["1000", "0999"]
    assert shown[-1] == ("0001", {"train": 1})
    assert len(shown) == label_bars.LABELS_SHOWN


def test_a_run_of_one_component_says_that_there_is_no_plane(tmp_path: Path) -> None:
    run = synthetic.Run(("a", "b"), components=1, classifier=False)
    found = findings.read(str(tmp_path), synthetic.write(run, tmp_path))

    made = page.render(found, {}, ENGLISH, "")

    assert ENGLISH("one_component") in made
    assert "scatter" not in page.page_figures(found, ENGLISH)


def test_every_text_takes_the_same_values_in_both_languages() -> None:
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert [name for name, text in texts().items() if fields(text["en"]) != fields(text["fr"])] == []


def test_every_stage_of_a_run_has_a_name_in_both_languages() -> None:
    others = ("list", "backbone", "resume", "start", "fit", "projection", "train", "predict", "quality", "report")

    assert [name for name in (*STAGES, *TASK_STAGES, *others) if f"stage_{name}" not in texts()] == []


def test_numbers_are_written_as_each_language_does() -> None:
    assert (ENGLISH.number(1234.5, 1), FRENCH.number(1234.5, 1)) == ("1,234.5", f"1{NARROW_SPACE}234,5")
    assert (ENGLISH.share(0.95), FRENCH.share(0.9512, 1)) == ("95%", f"95,1{NARROW_SPACE}%")


def photo(size: tuple[int, int], kind: str = "JPEG") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(made, kind)
    return made.getvalue()


def test_a_thumbnail_is_small_and_keeps_its_shape() -> None:
    made = thumbnails.read(["a"], lambda _path: photo((4000, 2000)))

    head, _, content = made["a"].partition(",")
    assert head == "data:image/webp;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as small:
        assert small.size == (72, 36)


def test_photos_that_cannot_be_read_have_no_thumbnail() -> None:
    contents = {"good": photo((50, 50), "PNG"), "bad": b"no photo"}

    assert list(thumbnails.read(["bad", "removed", "good"], lambda path: contents[path])) == ["good"]


def test_thumbnails_stop_at_their_size_and_at_their_time() -> None:
    one = len(thumbnails.read(["a"], lambda _path: photo((80, 80)))["a"])
    few = thumbnails.read(list("abcdef"), lambda _path: photo((80, 80)), most_bytes=3 * one)
    assert list(few) == ["a", "b", "c"]

    released = threading.Event()

    def never_after_the_first(path: str) -> bytes:
        if path != "a":
            released.wait()
        return photo((80, 80))

    in_time = thumbnails.read(["a", "b"], never_after_the_first, most_seconds=1)
    released.set()
    assert list(in_time) == ["a"]


def test_failed_report_is_reported_and_removes_an_earlier_one(tmp_path: Path) -> None:
    manifest = synthetic.write(synthetic.Run(("a", "b")), tmp_path)
    (tmp_path / "report.html").write_text("of an earlier run")
    (tmp_path / "pca" / "explained_variance.csv").unlink()
    said: list[str] = []

    assert making.write_if_possible(str(tmp_path), manifest, "en", said.append) == []

    assert not (tmp_path / "report.html").exists()
    assert len(said) == 1
    assert f"python -m job report {tmp_path}" in said[0]


def test_the_report_can_be_made_again_in_another_language(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    synthetic.write(synthetic.Run(("a", "b")), tmp_path)

    assert main(["report", str(tmp_path), "--lang", "fr"]) == 0

    assert capsys.readouterr().out == f"Report: {tmp_path}/report.html\n"
    assert '<html lang="fr">' in (tmp_path / "report.html").read_text()
    entry = layout.read_manifest(str(tmp_path))["files"]["report"]
    assert entry == [{"path": "report.html", "rows": 1, "bytes": (tmp_path / "report.html").stat().st_size}]


def test_report_of_replaced_results_keeps_their_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given a run that comes to its end while the report of the results before is drawn
    manifest = synthetic.write(synthetic.Run(("a", "b")), tmp_path)
    later = {**manifest, "run_id": "20991231T235959-00000000"}
    make = making.make

    def replaced_meanwhile(*given: Any) -> str:
        layout.write_manifest(str(tmp_path), later)
        return make(*given)

    monkeypatch.setattr(making, "make", replaced_meanwhile)

    assert main(["report", str(tmp_path)]) == 75

    assert codes(capsys.readouterr().err) == [OutputInUseError.code]
    assert layout.read_manifest(str(tmp_path)) == later


def test_report_written_elsewhere_leaves_the_results_alone(tmp_path: Path) -> None:
    before = synthetic.write(synthetic.Run(("a", "b")), tmp_path / "results")

    assert main(["report", str(tmp_path / "results"), "--output", str(tmp_path / "r.html")]) == 0

    assert (tmp_path / "r.html").read_text().startswith("<!DOCTYPE html>")
    assert layout.read_manifest(str(tmp_path / "results")) == before
    assert not (tmp_path / "results" / "report.html").exists()


@pytest.mark.parametrize(("argv", "named"), [(["report"], "FOLDER"), (["report", "x", "--lang", "de"], "'de'")])
def test_refuses_wrong_arguments(argv: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == UsageError.exit_code

    printed = capsys.readouterr().err
    assert codes(printed) == [UsageError.code]
    assert named in printed
    assert "python -m job report --help" in printed


def test_refuses_results_of_schema_version_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = synthetic.write(synthetic.Run(("a", "b")), tmp_path)
    layout.write_manifest(str(tmp_path), {**manifest, "schema_version": 1})

    assert main(["report", str(tmp_path)]) == ResultsUnusableError.exit_code

    assert codes(capsys.readouterr().err) == [ResultsUnusableError.code]


def test_refuses_incomplete_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    synthetic.write(synthetic.Run(("a", "b")), tmp_path)
    (tmp_path / "pca" / "explained_variance.csv").unlink()

    assert main(["report", str(tmp_path)]) == 1

    assert codes(capsys.readouterr().err) == [ResultsIncompleteError.code]


def test_the_report_goes_into_s3_and_is_made_from_it(bucket: str, tmp_path: Path) -> None:
    manifest = synthetic.write(synthetic.Run(("a", "b"), classifier=False), tmp_path)
    output = f"s3://{bucket}/results/first"
    for file in tmp_path.rglob("*.*"):
        storage.write_bytes(storage.join(output, str(file.relative_to(tmp_path))), file.read_bytes())

    written = making.write(output, manifest, "en")

    content = storage.read_bytes(storage.join(output, written.path))
    assert (len(content), content[:15]) == (written.bytes, b"<!DOCTYPE html>")
