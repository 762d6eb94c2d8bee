"""Collect what a report of a fault needs, without secrets: versions, settings, stacks, cluster, steps and logs."""

import json
import platform
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from infra import versions
from infra.aws import Aws, cdk, explained, stacks
from infra.doctor.secrets import Redact
from infra.runs import clusters, history, logs
from job.errors import OrchardError

STACKS = (stacks.DATA, stacks.ACCESS, stacks.CLUSTER, stacks.BUDGET)
MOST_STEPS = 5
"""Steps whose logs are packed, the newest."""
MOST_EVENTS = 400
"""Events of a stack, the newest."""

_PACKAGES = ("aws-cdk-lib", "boto3", "botocore", "cdk-nag", "pyspark", "tensorflow")

Part = Callable[[], Iterable[tuple[str, str]]]


def collect(aws: Aws) -> Iterator[tuple[str, str]]:
    """Yield names and texts of the bundle's files; what cannot be read becomes a file with the reason."""
    redact = Redact(aws.credentials, _account(aws))
    ours = cache(lambda: history.our_clusters(aws))
    parts: Mapping[str, Part] = {
        "versions": _versions,
        "settings": _settings,
        **{f"stacks/{stack}": lambda stack=stack: _stack(aws, stack) for stack in STACKS},  # type: ignore[misc]
        "cluster": lambda: _clusters(aws, ours()),
        "logs": lambda: _logs(aws, ours()),
    }
    for name, part in parts.items():
        try:
            for file, text in part():
                yield redact(file), redact(text)
        except OrchardError as error:
            yield f"{name}.error.txt", redact(f"{error.message}\n{error.hint}\n")


def pack(files: Iterable[tuple[str, str]], target: Path) -> None:
    """Write files into a zip archive that only its owner may read."""
    target.touch(mode=0o600)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files:
            # With ZipInfo's fixed time: the same content makes the same bundle.
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)


def _account(aws: Aws) -> str:
    """Return the account id, empty where AWS does not say."""
    try:
        with explained("find out whose credentials these are"):
            return str(aws.client("sts").get_caller_identity()["Account"])
    except OrchardError:
        return ""


def _versions() -> Iterator[tuple[str, str]]:
    lines = [versions.in_one_line(), f"Python {platform.python_version()} on {platform.platform()}"]
    for package in _PACKAGES:
        try:
            lines.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            lines.append(f"{package} not installed")
    yield "versions.txt", "\n".join(lines) + "\n"


def _settings() -> Iterator[tuple[str, str]]:
    yield "cdk.json", cdk.CDK_JSON.read_text(encoding="utf-8")


def _stack(aws: Aws, stack: str) -> Iterator[tuple[str, str]]:
    client, described = aws.cloudformation, stacks.describe(aws, stack)
    if described is None:
        yield f"stacks/{stack}.txt", "There is no such stack.\n"
        return
    with explained(f"read the stack {stack}"):
        yield f"stacks/{stack}.json", _json([described])
        pages = client.get_paginator("describe_stack_events").paginate(
            StackName=stack, PaginationConfig={"MaxItems": MOST_EVENTS}
        )
        yield f"stacks/{stack}.events.json", _json([event for page in pages for event in page["StackEvents"]])
        template = client.get_template(StackName=stack)["TemplateBody"]
        yield f"stacks/{stack}.template.json", template if isinstance(template, str) else _json(template)


def _clusters(aws: Aws, ours: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield the state of the newest of our clusters, also of one that has ended."""
    yield "clusters.json", _json(ours)
    if not ours:
        return
    emr, cluster = aws.emr, ours[0]["Id"]
    calls: Mapping[str, Callable[[], Any]] = {
        "cluster": lambda: emr.describe_cluster(ClusterId=cluster)["Cluster"],
        "steps": lambda: emr.list_steps(ClusterId=cluster)["Steps"],
        "fleets": lambda: emr.list_instance_fleets(ClusterId=cluster)["InstanceFleets"],
        "instances": lambda: emr.list_instances(ClusterId=cluster)["Instances"],
    }
    for name, call in calls.items():
        try:
            with explained(f"read the {name} of {cluster}"):
                yield f"cluster/{name}.json", _json(call())
        except OrchardError as error:
            yield f"cluster/{name}.error.txt", f"{error.message}\n{error.hint}\n"


def _logs(aws: Aws, ours: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield logs of the newest of our clusters: of its bootstrap action and its newest steps."""
    for cluster in [one["Id"] for one in ours[:1]]:
        log_uri = clusters.look(aws, cluster).log_uri
        with explained(f"look for the logs of {cluster}"):
            steps = aws.emr.list_steps(ClusterId=cluster)["Steps"][:MOST_STEPS]
        found = dict(logs.bootstrap_logs(aws, log_uri, cluster))
        for step in steps:
            found |= logs.step_logs(aws, log_uri, cluster, step["Id"])
        for uri, text in found.items():
            name = uri.removeprefix(log_uri).removesuffix(".gz").strip("/").replace(":", "")
            yield f"logs/{name}.txt", text


def _json(value: Any) -> str:  # noqa: ANN401 - an answer of AWS
    return json.dumps(value, indent=1, default=str, sort_keys=True) + "\n"
