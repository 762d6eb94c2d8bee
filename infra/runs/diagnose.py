"""Find the probable cause of a failed run in its logs, and what to do about it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra import invocation
from infra.aws import Aws
from infra.runs import logs
from infra.runs.clusters import Cluster
from job.errors import probable_cause


@dataclass(frozen=True)
class Cause:
    """A known cause of a failure, and how logs show it."""

    code: str  # in the message; never changes, like that of an error class
    name: str  # for docs/troubleshooting.md
    pattern: re.Pattern[str]  # matches the logs; its named groups fill sentence and advice
    sentence: str
    advice: str
    command: str = ""  # the arguments of ``orchard`` that follow the advice

    @property
    def hint(self) -> str:
        """The advice, with its command."""
        return f"{self.advice}: {invocation.orchard(self.command)}" if self.command else self.advice


@dataclass(frozen=True)
class Diagnosis:
    """The probable cause of a failure, and its fix."""

    sentence: str
    hint: str
    log: str = ""  # URI of the log that shows it; empty if none does
    code: str = ""  # of the cause; empty if it is not known

    @property
    def where(self) -> str:
        """Where the full log is, to append to the hint; empty if no log shows the cause."""
        return f"    Log: {self.log}" if self.log else ""


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.MULTILINE)


CAUSES: Sequence[Cause] = (
    Cause(
        "ORC-501",
        "disk full",
        _pattern(r"No space left on device"),
        "A node's disk is full.",
        "Use more or larger nodes",
        "up -c core_count=N",
    ),
    Cause(
        "ORC-502",
        "out of memory, by YARN",
        _pattern(
            r"(?:exit (?:code|status):? ?|Exit status: |exitCode: )137\b|running beyond (?:physical|virtual) memory"
        ),
        "A Spark process was killed because its node ran out of memory (exit code 137).",
        "Use nodes with more memory per core",
        "up -c worker_instance_types=r6i.xlarge",
    ),
    Cause(
        "ORC-502",
        "out of memory, in Java",
        _pattern(r"java\.lang\.OutOfMemoryError: (?P<what>.+)$"),
        "Spark's Java process ran out of memory ({what}).",
        "Use nodes with more memory per core",
        "up -c worker_instance_types=r6i.xlarge",
    ),
    Cause(
        "ORC-502",
        "out of memory, in Python",
        _pattern(r"^(?:numpy\.[\w.]+)?MemoryError\b.*$|Cannot allocate memory"),
        "A Python process ran out of memory.",
        "Use nodes with more memory per core",
        "up -c worker_instance_types=r6i.xlarge",
    ),
    Cause(
        "ORC-503",
        "permission, told by IAM",
        _pattern(
            r"(?:User: )?(?P<who>arn:aws:\S+) is not authorized to perform: (?P<action>[\w:*]+)"
            r"(?: on resource: \"?(?P<resource>[^\s\"]+))?"
        ),
        "The step lacks the permission {action} on {resource}.",
        "A step may only read and write the data bucket. Use its folders, or add the permission to the node role.",
    ),
    Cause(
        "ORC-503",
        "permission, told by S3",
        _pattern(
            r"(?:key '(?P<key>[^']*)' in )?bucket '(?P<bucket>[^']+)'[^\n]*"
            r"AWS Error ACCESS_DENIED during (?P<action>\w+)"
        ),
        "The step lacks the permission for {action} on s3://{bucket}/{key}.",
        "A step may only read and write the data bucket. Use its folders, or add the permission to the node role.",
    ),
    Cause(
        "ORC-504",
        "Spot node lost",
        _pattern(
            r"Container released on a \*lost\* node|[Ss]pot [Ii]nstance (?:interruption|termination)|node was lost"
        ),
        "AWS took Spot nodes back more often than Spark retries.",
        "Deploy on-demand nodes, then start the run again",
        "up -c spot_share=0",
    ),
    Cause(
        "ORC-505",
        "library missing",
        _pattern(r"^ModuleNotFoundError: No module named '(?P<module>[^']+)'"),
        "The Python library {module} is not on the cluster.",
        "Deploy the cluster again, so that its bootstrap action installs what this version needs",
        "up",
    ),
    Cause(
        "ORC-506",
        "no such bucket",
        _pattern(r"AWS Error NO_SUCH_BUCKET|The specified bucket does not exist"),
        "A bucket of the run's arguments does not exist.",
        "Check the URIs of --images, --test, --predict and --model.",
    ),
    Cause(
        "",
        "the job's own words",
        # If the job only passes on what Spark raised, the traceback shows more.
        _pattern(r"^error: (?P<what>(?!The run failed).+?)(?: \[(?P<code>ORC-\d{3})\])?\n(?P<todo>.+)$"),
        "{what}",
        "{todo}",
    ),
)
"""Searched in this order; the first one that a log shows is the probable cause."""


def diagnose_step(texts: Mapping[str, str], reason: str = "") -> Diagnosis:
    """Return the probable cause of a failed step from the texts of its logs, by URI."""
    for cause in CAUSES:
        for uri, text in texts.items():
            match = cause.pattern.search(text)
            if match is not None:
                values = {name: value or "" for name, value in match.groupdict().items()}
                sentence, hint = cause.sentence.format(**values), cause.hint.format(**values)
                return Diagnosis(sentence, hint, uri, cause.code or values.get("code", ""))
    for uri, text in texts.items():
        if "Traceback (most recent call last)" in text or "Exception" in text:
            return Diagnosis(probable_cause(text), f"The whole log shows more: {invocation.orchard('logs')}", uri)
    sentence = f"EMR says: {reason}" if reason else "Its logs show no known cause."
    return Diagnosis(sentence, f"See the whole log: {invocation.orchard('logs --all')}")


def explain_cluster(aws: Aws, cluster: Cluster) -> Diagnosis:
    """Return why a cluster ended, from its logs if a bootstrap action failed."""
    failed = cluster.reason.startswith(_BOOTSTRAP_FAILURE)
    bootstrap = logs.bootstrap_logs(aws, cluster.log_uri, cluster.id) if failed else {}
    return diagnose_cluster(cluster.state, cluster.reason, bootstrap)


def diagnose_cluster(state: str, reason: str, bootstrap: Mapping[str, str]) -> Diagnosis:
    """Return why a cluster ended; ``bootstrap`` holds the logs of its bootstrap actions by URI."""
    if reason.startswith(_BOOTSTRAP_FAILURE):
        for uri, text in bootstrap.items():
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            if lines:
                last = " / ".join(lines[-3:])
                hint = f"Fix that cause, then rerun: {invocation.orchard('up')}"
                return Diagnosis(f"The bootstrap action failed: {last}", hint, uri, BOOTSTRAP_FAILED)
        return Diagnosis(
            "The bootstrap action failed; its log is not in S3 yet.",
            f"Check again in some minutes: {invocation.orchard('status')}",
            code=BOOTSTRAP_FAILED,
        )
    for cause in CLUSTER_CAUSES:
        if cause.pattern.search(reason):
            return Diagnosis(cause.sentence.format(reason=reason), cause.hint, code=cause.code)
    because = reason.rstrip(".") or "EMR gives no reason"
    return Diagnosis(f"The cluster is {state}: {because}.", f"Create a new one: {invocation.orchard('up')}")


_OTHER_TYPES = ("Allow more instance types", "up -c worker_instance_types=m6i.xlarge,m5.xlarge")

BOOTSTRAP_FAILED = "ORC-510"
_BOOTSTRAP_FAILURE = "BOOTSTRAP_FAILURE"
"""EMR's code, at the start of the reason why a cluster ended."""

CLUSTER_CAUSES: Sequence[Cause] = (
    Cause(
        "ORC-511",
        "quota of the account",
        _pattern(r"vCPU|[Mm]ax\s?[Ss]pot\s?[Ii]nstance\s?[Cc]ount\s?[Ee]xceeded"),
        "The quota of the account does not allow so many nodes: {reason}",
        "Ask AWS to raise the quota of EC2 vCPUs, or start with fewer nodes",
        "up -c task_count=0",
    ),
    Cause(
        "ORC-512",
        "no nodes in time",
        _pattern(r"^INSTANCE_FLEET_TIMEOUT"),
        "AWS did not provide the nodes in time: {reason}",
        *_OTHER_TYPES,
    ),
    Cause(
        "ORC-513",
        "refused by EMR",
        _pattern(r"^VALIDATION_ERROR"),
        "EMR refused this cluster: {reason}",
        "Change the setting that it names, then rerun",
        "up",
    ),
    Cause(
        "ORC-514",
        "no such nodes",
        _pattern(r"INSTANCE_FAILURE|[Cc]apacity"),
        "AWS has no such nodes now: {reason}",
        *_OTHER_TYPES,
    ),
)
"""Searched in this order in the reason why a cluster ended: EMR's code, then its sentence."""
