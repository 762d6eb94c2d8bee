"""``orchard local`` forwards to the local cloud with this project's values."""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import infra
import localcloud
from infra import cli
from infra.aws.client import Aws
from infra.commands import local
from infra.context import Context
from infra.errors import LocalCloudError, LocalCloudStateError, StartedElsewhereError
from infra.versions import CLUSTER_PYTHON

CONTEXT = Context(lambda: Aws("eu-west-2"), terminal=io.StringIO())


def test_local_forwards_arguments_region_and_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    forwarded: list[tuple[Sequence[str], dict[str, Any]]] = []

    def execute(argv: Sequence[str], **given: Any) -> None:
        forwarded.append((argv, given))

    monkeypatch.setattr(localcloud, "execute", execute)

    assert cli.main(["local", "down", "--port", "7", "--state", "x", "--yes"], CONTEXT) == 0
    assert forwarded == [
        (
            ["down", "--port", "7", "--region", "eu-west-2", "--state", "x", "--yes"],
            {"program": "orchard local", "runtime": local.runtime},
        )
    ]


def test_the_runtime_is_that_of_the_project() -> None:
    assert local.runtime().node_python == CLUSTER_PYTHON
    assert Path(local.runtime().spark_home, "bin", "spark-submit").exists()


def test_without_a_cloud_status_fails_with_its_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["local", "status", "--state", str(tmp_path)], CONTEXT) == LocalCloudStateError.exit_code
    report = capsys.readouterr().err
    assert LocalCloudStateError.code in report
    assert "orchard local" in report


def test_debug_prints_the_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["local", "status", "--state", str(tmp_path), "--debug"], CONTEXT)

    assert capsys.readouterr().err.startswith("Traceback")


@pytest.mark.parametrize(
    "kind",
    [LocalCloudError, LocalCloudStateError, StartedElsewhereError],
    ids=lambda kind: kind.__name__,
)
def test_both_commands_give_an_error_the_same_code(kind: Any) -> None:
    own = getattr(localcloud, kind.__name__)

    assert (own.code, own.exit_code) == (kind.code, kind.exit_code)


def test_only_local_and_demo_import_the_local_cloud() -> None:
    package = Path(infra.__file__).parent
    importing = {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if re.search(r"^\s*(from|import) localcloud\b", file.read_text(), re.MULTILINE)
    }

    assert importing == {"commands/local.py", "commands/demo.py", "commands/demonstration.py"}
