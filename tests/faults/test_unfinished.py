"""What readers of an unfinished run are told."""

from pathlib import Path

import pytest

from job.__main__ import main
from tests.error_report import codes, told

RUN = "20261120T110000-aaaaaaaa"


@pytest.mark.parametrize(
    "words",
    [
        ["predict", "--results", "{}", "--images", "{}/photos", "--output", "{}/predictions"],
        ["report", "{}"],
        ["--images", "{}/photos", "--descriptor", "orb", "--vocabulary", "{}", "--output", "{}/new"],
    ],
    ids=["predict", "report", "vocabulary"],
)
def test_commands_that_read_an_unfinished_run_refuse_it(
    words: list[str], sample_photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given all that a run writes but its manifest
    for name in (f"features/part-00000-{RUN}-0.parquet", "pca/projection.npz", "vocabulary/words.npz", "report.html"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "photos").symlink_to(sample_photos)

    code = main([word.format(tmp_path) for word in words])

    assert code == 2
    said = capsys.readouterr().err
    assert codes(said) == ["ORC-130"]
    assert f"'{tmp_path}'" in told(said)[-2]
    assert "manifest.json" in told(said)[-2]
