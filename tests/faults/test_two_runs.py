"""What becomes of two runs into one output: two processes, and one of them stands still like a machine that sleeps."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from job.__main__ import main
from job.errors import OutputInUseError, OutputRefusedError
from job.results import lease
from tests.error_report import codes
from tests.job.test_interruptions import LONGEST_WAIT, copies, members, run_in_the_middle

Became = Callable[[str, str], None]


def files_in(folder: Path) -> dict[str, bytes]:
    """Return the content of every file by its path."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.slow
def test_second_run_is_refused_until_the_first_stands_still(
    sample_photos: Path,
    random_backbone: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    became: Became,
) -> None:
    photos, output = copies(sample_photos, tmp_path / "photos", 5), tmp_path / "results"
    argv = ["--images", str(photos), "--model", str(random_backbone), "--output", str(output), "--no-csv"]
    with run_in_the_middle(photos, random_backbone, output, "--master", "local[1,4]") as first:
        # Given a run that lives, though what it has its work done by stands still
        for number in members(first.pid).keys() - {first.pid}:
            os.kill(number, signal.SIGSTOP)
        content = files_in(output / "features")

        # When another one wants its output, it is refused, one way or the other
        assert main(argv) == 2
        assert codes(capsys.readouterr().err) == [OutputRefusedError.code]
        assert main([*argv, "--overwrite"]) == OutputInUseError.exit_code
        assert codes(capsys.readouterr().err) == [OutputInUseError.code]
        assert files_in(output / "features") == content

        # When the whole of it stands still for too long, another one takes its place and finishes
        os.kill(first.pid, signal.SIGSTOP)
        monkeypatch.setattr(lease, "LONGEST_SILENCE", 4.0)
        assert main([*argv, "--resume"]) == 0
        content = files_in(output)
        manifest = json.loads(content["manifest.json"])
        assert manifest["resumed"]["reused"] > 0
        assert manifest["counts"]["used"] == 200

        # Then the first one, when it goes on, notices it and leaves everything as it is
        for number in members(first.pid):
            os.kill(number, signal.SIGCONT)
        _, said = first.communicate(timeout=LONGEST_WAIT)

    assert first.returncode == OutputInUseError.exit_code
    assert codes(said) == [OutputInUseError.code]
    assert f"{manifest['run_id']}, at " in said
    assert {name: it for name, it in files_in(output).items() if name in content} == content
    became("two runs into one output", "the later one is refused while the first has a heartbeat")
    became(
        "a run freezes for over a minute, another takes its place",
        "it notices, ends with an error, spoils nothing",
    )
