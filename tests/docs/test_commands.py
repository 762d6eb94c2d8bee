"""Every command of README and docs is run here, by the test that it names, or is marked as needing AWS or real photos.

Those that are not run are read by the real parsers all the same.
"""

import argparse
import contextlib
import importlib.util
import io
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session
import numpy as np
import pytest
from botocore import xform_name

from infra import cli, commandline
from infra.cdk_context import read_settings
from infra.commands.sample_photos import draw_photos
from infra.runs.plan import plan, require_remote
from job.__main__ import main as run_job
from job.__main__ import parse as parse_job
from job.errors import OrchardError
from job.results import layout
from tests.docs.pages import ROOT, RUN_BY, Block, blocks, inline, inline_commands, name, pages, shell_blocks, words
from tests.infra.synthesis import default_context

STACKS = {"OrchardData", "OrchardAccess", "OrchardBudget", "OrchardCluster"}
CDK_COMMANDS = {"bootstrap", "deploy", "destroy", "diff", "drift", "synth"}
CDK_OPTIONS = {"--all", "-c", "--cloudformation-execution-policies"}
AWS_CONFIGURATION = {"configure", "sso", "login"}
"""What the AWS command line does by itself, without an operation of a service."""

RESULTS_PAGE = ROOT / "docs" / "results.md"

SHELL_LINES = {
    "source .venv/bin/activate": "the tests run in it",
    'eval "$(register-python-argcomplete orchard)"': "for an interactive shell",
}
"""Lines that no test runs, and why."""

OWN_PHOTOS = "## Your own photos"
"""The section of README whose commands are run here, in their order."""

RUN_AFTERWARDS = ("results.md", "mobile.md")
"""Pages of docs/ whose commands are then run on the results."""

NO_DOWNLOAD = ["--weights", "random"]
"""Given to commands that name no weights: tests have no network, and ImageNet's would be downloaded."""


def blocks_with_commands() -> list[Block]:
    found = shell_blocks()
    assert len(found) > 10
    return found


def by_hand(block: Block) -> str:
    return f"{name(block.page)}: {block.commands()[0]}"


def executed() -> list[str]:
    """Return the commands that are run here, in their order."""
    section = (ROOT / "README.md").read_text().split(OWN_PHOTOS)[1]
    unmarked = [block for block in shell_blocks() if not block.marker]
    own = [block for block in unmarked if name(block.page) == "README.md" and block.text in section]
    later = [block for page in RUN_AFTERWARDS for block in unmarked if block.page == ROOT / "docs" / page]
    commands = [command for block in [*own, *later] for command in block.commands()]
    return [command for command in commands if command not in SHELL_LINES]


@pytest.mark.parametrize("block", blocks_with_commands(), ids=by_hand)
def test_command_blocks_are_run_or_name_their_requirement(block: Block) -> None:
    if block.marker.startswith(RUN_BY):
        assert (ROOT / block.marker.removeprefix(RUN_BY)).is_file()
    elif not block.marker:
        # In French the report is too
        asked = [command.replace(" --lang fr", "") for command in block.commands()]
        assert [command for command in asked if command not in executed() and command not in SHELL_LINES] == []


@pytest.mark.parametrize("block", blocks_with_commands(), ids=by_hand)
def test_every_command_of_a_block_is_one_that_its_program_takes(block: Block) -> None:
    for command in block.commands():
        if command not in SHELL_LINES and not command.startswith("eval "):
            check(command)


@pytest.mark.parametrize("page", pages(), ids=name)
def test_commands_in_sentences_use_known_options(page: Path) -> None:
    for command in inline_commands(page):
        if command not in SHELL_LINES:
            check_options(command)


# Decisions name options of other programs, and of what was not taken.
@pytest.mark.parametrize("page", [page for page in pages() if page.parent.name != "decisions"], ids=name)
def test_every_option_in_a_sentence_is_one_of_some_program(page: Path) -> None:
    named = {option for text in inline(page) for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)}
    others = {"--quantized", "--hash", "--require-hashes", *CDK_OPTIONS}
    # Of make bench's own BENCH='...', of aws, of Spark and of pip
    others |= {"--no-deps", "--rounds", "--only", "--copies", "--other", "--recursive", "--force", "--deploy-mode"}
    assert sorted(named - all_options() - others) == []


def check(command: str) -> None:
    """Have the real parser read a command; fail with what it says."""
    program, *rest = words(command)
    if program == "make":
        check_make(rest)
    elif program == "cdk":
        check_cdk(rest)
    elif program == "aws":
        check_aws(rest)
    elif program == "orchard":
        check_job_options(commandline.parse(rest))
    elif rest[:2] == ["-m", "job"]:
        parse_job(rest[2:])
    else:
        check_options(command)


def check_job_options(given: argparse.Namespace) -> None:
    if given.command.name in ("run", "predict"):
        given.output = given.output or "results/name"
        asked = given.checked(given)
        if given.on == "emr":
            require_remote(asked)
            plan(asked, "name", "bucket")


def check_make(rest: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for word in rest:
        variable, given, _ = word.partition("=")
        if given:
            assert re.search(rf"\b{variable}\b", makefile), word
        else:
            assert re.search(rf"^{word}:", makefile, re.MULTILINE), word


def check_cdk(rest: list[str]) -> None:
    verb, *others = rest
    assert verb in CDK_COMMANDS
    changed = {}
    while others:
        word = others.pop(0)
        if word == "-c":
            setting, _, value = others.pop(0).partition("=")
            changed[setting] = value
        elif word.startswith("-"):
            assert word in CDK_OPTIONS, word
            others = others[1:] if word == "--cloudformation-execution-policies" else others
        else:
            assert word in STACKS or word.startswith("aws://"), word
    read_settings({**default_context(), **changed})


def check_aws(rest: list[str]) -> None:
    service, *others = rest
    if service in AWS_CONFIGURATION or service == "s3":
        return
    model = botocore.session.get_session().get_service_model(service)
    operations = {xform_name(each).replace("_", "-"): each for each in model.operation_names}
    shape = model.operation_model(operations[others[0]]).input_shape
    members = {xform_name(member).replace("_", "-") for member in (shape.members if shape else {})}
    assert {word.removeprefix("--") for word in others if word.startswith("--")} <= members


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    """Return the options that a parser knows."""
    return {option for action in parser._actions for option in action.option_strings}


def orchard_parsers() -> Mapping[str, argparse.ArgumentParser]:
    """Return the parser of each command of ``orchard``."""
    (found,) = [each for each in commandline.parser()._actions if isinstance(each, argparse._SubParsersAction)]
    parsers: Mapping[str, argparse.ArgumentParser] = found.choices
    return parsers


def job_options() -> set[str]:
    """Return the options of the job, as its help shows them."""
    shown = ""
    for words_given in (["--help"], ["predict", "--help"], ["report", "--help"]):
        with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.suppress(SystemExit):
            run_job(words_given)
        shown += printed.getvalue()
    return set(re.findall(r"--[a-z][a-z-]+", shown))


def all_options() -> set[str]:
    found = job_options() | options_of(commandline.parser())
    for parser in orchard_parsers().values():
        found |= options_of(parser)
    return found


def check_options(command: str) -> None:
    """Fail unless the program of a command knows the subcommand and every option."""
    program, *rest = words(command)
    given = {word for word in rest if re.match(r"--?[a-z]", word)}
    if program == "make":
        check_make(rest)
    elif program == "cdk":
        check_cdk(rest)
    elif program == "aws":
        check_aws([word for word in rest if word not in ("NAME", "FILE")])
    elif program == "orchard":
        known = {**orchard_parsers(), "COMMAND": commandline.parser()}
        allowed = options_of(known[rest[0]]) if rest[0] in known else options_of(commandline.parser())
        assert rest[0] in known or rest[0].startswith("--"), command
        assert given <= allowed, command
    elif rest[:2] == ["-m", "job"]:
        assert given - {"-m"} <= job_options(), command
    elif rest[:1] == ["-m"]:
        found = importlib.util.find_spec(rest[1])
        assert found is not None, command
        assert found.origin is not None
        if rest[1] != "pytest":
            source = Path(found.origin).read_text()
            assert [option for option in given - {"-m"} if option not in source] == [], command


@dataclass(frozen=True)
class Run:
    """What came of README's commands.

    Parameters
    ----------
    folder
        Where they ran.
    printed
        What each one printed.
    """

    folder: Path
    printed: Mapping[str, str]


@pytest.fixture(scope="module")
def own_photos(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run the commands on own photos, in their order, in a folder with drawn photos."""
    folder = tmp_path_factory.mktemp("own")
    draw_photos(folder / "photos", angles=5, seed=3)
    draw_photos(folder / "new-photos", angles=1, seed=4)
    shutil.copy(next((folder / "new-photos").rglob("*.jpg")), folder / "photo.jpg")
    (folder / "photos" / "Kiwi" / "broken.jpg").write_bytes(b"no photo")
    printed = {}
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(folder):
        patch.delenv("AWS_PROFILE", raising=False)
        for command in executed():
            with contextlib.redirect_stdout(io.StringIO()) as out:
                assert execute(command) == 0, command
            printed[command] = out.getvalue()
    return Run(folder, printed)


def execute(command: str) -> int:
    program, *rest = words(command)
    assert program == "orchard", command
    return cli.main([*rest, *(NO_DOWNLOAD if rest[0] == "run" else [])])


def test_commands_on_own_photos_do_what_the_pages_say(own_photos: Run) -> None:
    fit, predict, table, to_check, report, mapped, checked, boxes, mobile, classify, rejecting = (
        own_photos.printed.values()
    )

    assert "Results: results/first" in fit
    assert "1 rejected" in fit
    assert "Results: results/predictions" in predict
    assert "30" in table
    assert to_check.split()[:4] == ["kind", "score", "path", "related_path"]
    assert "report.html" in report
    assert (own_photos.folder / "fruits.tflite").is_file()
    assert "fruits.tflite" in mobile
    assert "photo.jpg" in classify
    assert "report.html" in mapped
    assert "Results: results/checked" in checked
    assert "Results: results/boxes" in boxes
    assert "10 labels or unknown" in rejecting


def test_numpy_lines_reproduce_the_predictions(own_photos: Run) -> None:
    (lines,) = [block.text for block in blocks(RESULTS_PAGE) if block.language == "python"]
    values: dict[str, Any] = {}

    with contextlib.chdir(own_photos.folder):
        exec(lines, values)  # noqa: S102 - the page's own lines

    run = values["run"]
    rows = {path: row for row, path in enumerate(run.features["path"].to_pylist())}
    tested = [rows[path] for path in run.predictions["path"].to_pylist()]
    stored = np.stack(run.predictions["probabilities"].to_numpy())
    assert len(tested) == run.manifest["counts"]["test"]
    assert values["predicted"][tested].tolist() == run.predictions["predicted"].to_pylist()
    np.testing.assert_allclose(values["probabilities"][tested], stored, atol=1e-5)


def test_results_page_lists_the_columns_of_every_data_set() -> None:
    page = RESULTS_PAGE.read_text()

    schemas = (layout.FEATURES_SCHEMA, layout.COMPONENTS_SCHEMA, layout.PREDICTIONS_SCHEMA, layout.REJECTED_SCHEMA)
    columns = {column for schema in schemas for column in schema.names}
    assert sorted(column for column in columns if not re.search(rf"^\|[^|]*\|? ?`{column}` \|", page, re.M)) == []


def test_results_page_lists_the_files_that_a_run_writes(own_photos: Run) -> None:
    table = RESULTS_PAGE.read_text().split("## The columns")[0]
    named = {
        file for row in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE) for file in re.findall("`([^`]+)`", row)
    }
    results = own_photos.folder / "results" / "first"

    # Of visual words there are none in a run with a network, and of objects only in a prediction
    unwritten = {file for file in named if not list(results.glob(file))}
    of_words = {"vocabulary/words.npz", "vocabulary/vocabulary.json"}
    of_objects = {"boxes/*.parquet", "objects/objects.csv", "objects/objects.parquet"}
    assert unwritten == {"backbone/*.tflite"} | of_words | of_objects
    covered = {found for file in named for found in results.glob(file)}
    written = {file for file in results.rglob("*") if file.is_file() and not file.name.startswith((".", "_"))}
    assert sorted(str(file.relative_to(results)) for file in written - covered) == []


def test_a_command_that_is_wrong_is_found() -> None:
    for wrong in ("orchard cost --fotos 3", "python -m job --images a --output b --varianz 1", "make everything"):
        with pytest.raises((OrchardError, OrchardError, AssertionError)):
            check(wrong)
    with pytest.raises(OrchardError):
        check("cdk deploy OrchardCluster -c network=privat")
    with pytest.raises(AssertionError):
        check_options("orchard status --folow")
