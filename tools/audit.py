"""Looks every locked package up among known vulnerabilities: pip-audit for Python, npm audit for Node.

What cannot be looked up is no pass: the advisory services are on the network, and some networks do not reach them.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.lock import AUDIT, CLUSTER_LISTS, LOCKED
from tools.set_up import ROOT, SetUpError, fingerprint, run

ENVIRONMENT = ROOT / ".audit"
"""pip-audit's own: what it needs is no part of the product's environment."""

LOCKS = [
    *(*LOCKED.values(), *AUDIT.values()),
    *(f"infra/emr/bootstrap/{name}.{machine}.txt" for name, machines in CLUSTER_LISTS.items() for machine in machines),
]
"""Every lock of Python packages; package-lock.json is npm's to read."""


@dataclass(frozen=True)
class Accepted:
    """Why a known vulnerability does not concern this project.

    Parameters
    ----------
    reason
        In a sentence.
    since
        The day on which somebody looked at it, like 2026-11-21.
    """

    reason: str
    since: str


Answer = dict[str, Any] | None
"""What a program printed as JSON; None if it printed none."""

ACCEPTED: Mapping[str, Accepted] = {}
"""By the advisory's id; docs/security.md lists the same."""


class NotAuditedError(SetUpError):
    """Locked packages could not be looked up among known vulnerabilities.

    The advisory service did not answer, or does not know the packages: a network that reaches a mirror of the package
    index alone has no advisories. Nothing is known of these packages then, neither good nor bad.

    Run `make audit` again where PyPI's own service and npm's can be reached.
    """

    code = "ORC-005"
    exit_code = 75


class VulnerableError(SetUpError):
    """A locked package has a known vulnerability.

    The lines above name the package, the advisory and the versions that mend it.

    Raise the version in `requirements/*.in` or package.json, `make lock`, `make test`; or, where it does not concern
    this project, accept it with a reason in `tools/audit.py`.
    """

    code = "ORC-006"


@dataclass(frozen=True)
class Finding:
    """A known vulnerability of a locked package.

    Parameters
    ----------
    package
        Its name and version; of a Node package the versions concerned.
    ids
        Of the advisory, the first the best known; a finding is accepted by any of them.
    mended_in
        What mends it, empty if nothing is known to.
    """

    package: str
    ids: tuple[str, ...]
    mended_in: str

    def accepted(self) -> list[Accepted]:
        """Return why it does not concern this project; nothing if it does."""
        return [ACCEPTED[it] for it in self.ids if it in ACCEPTED]

    def __str__(self) -> str:
        """Return what a person is told."""
        told = f"{self.package}: {', '.join(self.ids)}; mended in: {self.mended_in or 'no version yet'}"
        return told + "".join(f"; accepted on {it.since}: {it.reason}" for it in self.accepted())


def main() -> int:
    """Ask both services; say what they found; return the exit code."""
    problems: list[SetUpError] = []
    findings: list[Finding] = []
    for ask in (ask_python, ask_node):
        try:
            findings.extend(ask())
        except SetUpError as error:
            problems.append(error)
    new = [finding for finding in findings if not finding.accepted()]
    for finding in findings:
        print(finding)
    if new:
        names = ", ".join(sorted({finding.package for finding in new}))
        remedy = "Raise the versions, or accept them with a reason in tools/audit.py."
        problems.append(VulnerableError(f"Known vulnerabilities are in {names}.", remedy))
    for problem in problems:
        print(f"error: {problem.what} [{problem.code}]\n{problem.remedy}", file=sys.stderr)
    if not problems:
        print(f"audit: no known vulnerability in any locked package{' but those accepted' if findings else ''}")
    return min((problem.exit_code for problem in problems), default=0)


def ask_python(service: Sequence[str] = ("--vulnerability-service", "pypi")) -> Iterator[Finding]:
    """Yield the known vulnerabilities of the locked Python packages.

    Parameters
    ----------
    service
        pip-audit's options that name one.

    Raises
    ------
    NotAuditedError
        If any package could not be looked up, after what is known of the others.
    """
    install()
    command = [str(ENVIRONMENT / "bin" / "pip-audit"), "--disable-pip", "--progress-spinner", "off", "--format", "json"]
    locks = [word for lock in LOCKS for word in ("--requirement", lock)]
    return python_findings(*answered([*command, *service, *locks]))


def ask_node() -> Iterator[Finding]:
    """Yield the known vulnerabilities of the locked Node packages; raises as ``ask_python``."""
    return node_findings(*answered(["npm", "audit", "--json"]))


def install() -> None:
    """Bring pip-audit's environment up to date."""
    lock = ROOT / AUDIT["requirements/audit.in"]
    stamp, wanted = ENVIRONMENT / "set-up-of", fingerprint([lock])
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print(f"audit: installing pip-audit into {ENVIRONMENT.name} (about 60 MB on disk)")
    run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)])
    options = ["-qq", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    run([str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", *options, "-r", str(lock)])
    stamp.write_text(wanted)


def answered(command: Sequence[str]) -> tuple[Answer, str]:
    """Return what a program printed, as JSON (None if it is none), and the last line of its standard error."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    try:
        return json.loads(done.stdout), said[-1] if said else ""
    except ValueError:
        return None, said[-1] if said else f"it ended with code {done.returncode}"


def python_findings(report: Answer, said: str) -> Iterator[Finding]:
    """Yield what pip-audit found.

    Parameters
    ----------
    report
        Its answer.
    said
        What it said where it gave none.

    Raises
    ------
    NotAuditedError
        At the end, if there are packages of which it knows nothing: pip-audit itself ends well then.
    """
    if report is None or "dependencies" not in report:
        raise _not_audited("Python", said)
    packages = report["dependencies"]
    for package in packages:
        for found in package.get("vulns", []):
            ids = (found["id"], *found.get("aliases", []))
            yield Finding(f"{package['name']} {package['version']}", ids, ", ".join(found["fix_versions"]))
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    if unknown:
        what = f"nothing is known there of {len(unknown)} of {len(packages)}, {unknown[0]} the first"
        raise _not_audited("Python", what)


def node_findings(report: Answer, said: str) -> Iterator[Finding]:
    """Yield what npm audit found; parameters and errors as ``python_findings``.

    An advisory is told with the package that it is of, and once only, whatever depends on it.
    """
    if report is None or "vulnerabilities" not in report:
        raise _not_audited("Node", said if report is None else str(report.get("message", said)))
    told = set()
    for name, package in report["vulnerabilities"].items():
        for via in package["via"]:
            if isinstance(via, dict) and via["url"] not in told:
                told.add(via["url"])
                newer = "a newer one: npm audit fix" if package["fixAvailable"] else ""
                yield Finding(f"{name} {via['range']}", (via["url"].rsplit("/", 1)[1],), newer)


def _not_audited(kind: str, why: str) -> NotAuditedError:
    return NotAuditedError(
        f"The {kind} packages could not be looked up among known vulnerabilities: {why.rstrip('.')}.",
        "Run make audit again where the advisory service can be reached.",
    )


if __name__ == "__main__":
    sys.exit(main())
