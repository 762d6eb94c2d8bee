"""What becomes of two runs into one output: two processes, and one of them stands still like a machine that sleeps."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from job.__main__ import main
from job.results import lease
from tests.error_report import codes, told
from tests.job.test_interruptions import LONGEST_WAIT, copies, members, run_in_the_middle

Became = Callable[[str, str], None]


def files_in(folder: Path) -> dict[str, bytes]:
    """Return the content of every file by its path."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.slow
def test_a_second_run_is_refused_while_the_first_lives_and_takes_its_place_when_it_stands_still(
    sample_photos: Path,
    random_backbone: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    became: Became,
) -> None:
    photos, output = copies(sample_photos, tmp_path / "photos", 5), tmp_path / "results"
    words = ["--images", str(photos), "--model", str(random_backbone), "--output", str(output), "--no-csv"]
    with run_in_the_middle(photos, random_backbone, output, "--master", "local[1,4]") as first:
        # Given a run that lives, though what it has its work done by stands still
        for number in members(first.pid).keys() - {first.pid}:
            os.kill(number, signal.SIGSTOP)
        content = files_in(output / "features")

        # When another one wants its output, it is refused, one way or the other
        assert main(words) == 2
        assert told(capsys.readouterr().err)[-2].startswith(f"error: Another run writes into the output '{output}': ")
        assert main([*words, "--overwrite"]) == 75
        refused = capsys.readouterr().err
        assert told(refused)[-2].startswith(f"error: Another run writes into the output '{output}': ")
        assert codes(refused) == ["ORC-171"]
        assert files_in(output / "features") == content

        # When the whole of it stands still for too long, another one takes its place and finishes
        os.kill(first.pid, signal.SIGSTOP)
        monkeypatch.setattr(lease, "LONGEST_SILENCE", 4.0)
        assert main([*words, "--resume"]) == 0
        assert "; this one takes its place." in capsys.readouterr().err
        content = files_in(output)
        manifest = json.loads(content["manifest.json"])
        assert manifest["resumed"]["reused"] > 0
        assert manifest["counts"]["used"] == 200

        # Then the first one, when it goes on, notices it and leaves everything as it is
        for number in members(first.pid):
            os.kill(number, signal.SIGCONT)
        _, said = first.communicate(timeout=LONGEST_WAIT)

    taken = f"error: The output '{output}' was taken from this run while it lasted: the run {manifest['run_id']}, at "
    assert first.returncode == 75
    assert told(said)[-2].startswith(taken)
    assert {name: it for name, it in files_in(output).items() if name in content} == content
    became("two runs into one output", "the later one is refused while the first gives signs of life")
    became(
        "a run stands still for over a minute, another takes its place",
        "it notices, ends in a sentence, spoils nothing",
    )
