"""What the tests of faults share: an S3 that fails as it is told to, and the table of what happened."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from job.storage import filesystem
from tests import faulty_s3
from tests.faulty_s3 import FaultyS3

RELIABILITY = Path(__file__).parent.parent.parent / "docs" / "reliability.md"
BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"


@dataclass(frozen=True)
class Line:
    """One line of the table: a fault, what became of it, and in how many seconds."""

    fault: str
    happened: str
    seconds: float


LINES: list[Line] = []
"""Of the tests that have run and passed."""


def table(lines: list[Line]) -> str:
    """Return the lines as a table of Markdown, in the order of the faults' names."""
    rows = [
        f"| {line.fault} | {line.happened} | {line.seconds:.0f} |" for line in sorted(lines, key=lambda it: it.fault)
    ]
    return "\n".join(["| fault | what happened | s |", "|---|---|---|", *rows])


def in_document(document: str, lines: list[Line]) -> str:
    """Return a document with the table between its two marks."""
    return re.sub(f"(?s)(?<={BEGIN}\n).*(?={END})", lambda _: table(lines) + "\n", document)


@pytest.fixture
def became() -> Callable[[str, str], None]:
    """Return what records a line of the table: called last, with the fault and with what became of it."""
    began = time.monotonic()
    return lambda fault, happened: LINES.append(Line(fault, happened, time.monotonic() - began))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let ``make faults`` ask for the table to be written into the documentation."""
    parser.addoption("--write-faults", action="store_true", help="write the table of faults into docs/reliability.md")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table after the tests, and write it down if that was asked for and nothing failed."""
    if not config.getoption("--write-faults", default=False) or not LINES:
        return
    terminalreporter.write_line("\n" + table(LINES))
    if not terminalreporter.stats.get("failed") and not terminalreporter.stats.get("error"):
        RELIABILITY.write_text(in_document(RELIABILITY.read_text(), LINES))


@pytest.fixture(scope="session")
def faulty_server(aws_server: str) -> Iterator[FaultyS3]:
    """Run the server that fails before moto's."""
    with faulty_s3.before(aws_server) as server:
        yield server


@pytest.fixture
def faulty(faulty_server: FaultyS3, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyS3]:
    """Point the job at the server that fails, without a fault yet; boto3 in the test keeps to what works."""
    assert s3_endpoint
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", faulty_server.endpoint)
    # Nobody waits long in a test; the pauses are shown by a test of their own.
    monkeypatch.setattr(filesystem, "PAUSES", (0.01, 0.01))
    faulty_server.spoiled.clear()
    yield faulty_server
    faulty_server.rules.clear()


@contextmanager
def spoiling(server: FaultyS3, *rules: faulty_s3.Rule) -> Iterator[None]:
    """Have some requests spoiled while the block lasts."""
    server.rules[:] = rules
    try:
        yield
    finally:
        server.rules.clear()
