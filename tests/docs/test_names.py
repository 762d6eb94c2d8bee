"""What README and docs name is there: settings, figures, the version, and the licence."""

import contextlib
import inspect
import io
import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from infra import cli, versions
from infra.settings import Settings
from tests.docs.pages import ROOT, inline, name, pages


def everything_in_the_code() -> str:
    files = [ROOT / "cdk.json", ROOT / "pyproject.toml", ROOT / "app.py", ROOT / "orchard.py"]
    files += [
        file
        for room in ("job", "infra", "localcloud", "bench", "tools")
        for file in (ROOT / room).rglob("*")
        if file.is_file()
    ]
    return "\n".join(file.read_text() for file in files if file.suffix in (".py", ".json", ".toml", ".sh", ".txt"))


@pytest.fixture(scope="module")
def code() -> str:
    return everything_in_the_code()


def settings() -> set[str]:
    return {field.name for field in fields(Settings)}


# Decisions name what was not taken, too.
@pytest.mark.parametrize("page", [page for page in pages() if page.parent.name != "decisions"], ids=name)
def test_quoted_names_with_underscores_exist_in_the_code(page: Path, code: str) -> None:
    named = {text for text in inline(page) if re.fullmatch(r"[a-z0-9]+(?:_[a-z0-9]+)+", text)}
    assert sorted(each for each in named if not re.search(rf"\b{re.escape(each)}\b", code)) == []


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_setting_that_is_set_in_a_sentence_is_one(page: Path) -> None:
    named = {found for text in inline(page) for found in re.findall(r"-c ([a-z_]+)=", text)}
    assert named <= settings()


def test_settings_have_a_default_in_cdk_json_and_a_description() -> None:
    declared = {each for each in json.loads((ROOT / "cdk.json").read_text())["context"] if not each.startswith("@")}
    explained = set(re.findall(r"^    ([a-z_]+): .+  # \S", inspect.getsource(Settings), re.MULTILINE))

    assert declared == settings()
    assert explained == settings()


def test_readme_names_the_cost_that_the_command_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (ROOT / "README.md").read_text()
    monkeypatch.delenv("AWS_PROFILE", raising=False)

    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert cli.main(["cost", "--offline", "--photos", "67692"]) == 0

    (total,) = re.findall(r"^all +\d:\d\d:\d\d +([\d.]+)$", printed.getvalue(), re.MULTILINE)
    assert f"**{float(total):.2f} USD**" in readme
    assert "15 minutes" in printed.getvalue()


def test_readme_figures_are_in_the_pages_of_measurements() -> None:
    measured = (ROOT / "README.md").read_text().split("<!-- measured: begin")[1].split("<!-- measured: end")[0]
    sources = "".join((ROOT / "docs" / page).read_text() for page in ("performance.md", "results.md", "accuracy.md"))

    figures = re.findall(r"\d[\d,]*(?:\.\d+)?", measured.split("-->")[1])

    assert len(figures) > 5
    assert [figure for figure in figures if not re.search(rf"(?<![\d.]){re.escape(figure)}(?![\d])", sources)] == []


def test_version_option_prints_the_version_and_the_release(capsys: pytest.CaptureFixture[str]) -> None:
    own = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])

    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"orchard {own} for {versions.RELEASE_LABEL} ")
    assert printed.endswith("(Spark 3.5.8, Python 3.11, Java 17)\n")
    assert f"## [{own}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_licence_is_the_one_that_pyproject_names() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"] == "Apache-2.0"
    assert (ROOT / "LICENSE").read_text().split()[:4] == ["Apache", "License", "Version", "2.0,"]


def named_in_modules() -> list[tuple[str, str]]:
    """Return each name of the table of changes with the path of a module that has it, as the page says."""
    rows = re.findall(r"^\| .* \|$", (ROOT / "docs" / "architecture.md").read_text(), re.MULTILINE)
    found = re.findall(r"((?:`[A-Z_\d]+`(?: and )?)+) (?:in|of) ((?:\[[^]]+\]\([^)]+\)(?: and )?)+)", "\n".join(rows))
    return [
        (constant, path.removeprefix("../"))
        for constants, links in found
        for constant in re.findall(r"`(\w+)`", constants)
        for path in re.findall(r"\(([^)]+\.py)\)", links)
    ]


@pytest.mark.parametrize(("constant", "path"), named_in_modules())
def test_module_of_a_change_has_the_name_that_is_given(constant: str, path: str) -> None:
    assert re.search(rf"^{constant}\b.*=", (ROOT / path).read_text(), re.MULTILINE)
