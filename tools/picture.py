"""Draws docs/images/architecture.svg: the way from photos to a report, above the stacks as they are synthesised."""

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from app import declare
from infra.aws.cdk import CDK_JSON
from infra.cdk_context import read_settings

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "architecture.svg"

Template = Mapping[str, Any]

WIDTH, HEIGHT = 1000, 504
LINE = 17
"""From one line of text to the next, in pixels like everything here."""

STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 14px }
.small { font-size: 11.5px; fill: #59636e }
.box { fill: #f6f8fa; stroke: #818b98 }
.job { fill: #e7f3ec; stroke: #2c7a4b }
.cluster { fill: #fff4e0; stroke: #9a6700 }
.arrow { stroke: #59636e; stroke-width: 1.5; fill: none; marker-end: url(#head) }
.head { fill: #59636e }
.page { fill: #ffffff }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .small { fill: #b1bac4 }
  .box { fill: #151b23; stroke: #656c76 }
  .job { fill: #12261b; stroke: #3fb950 }
  .cluster { fill: #2b2110; stroke: #d29922 }
  .arrow { stroke: #b1bac4 }
  .head { fill: #b1bac4 }
  .page { fill: #0d1117 }
}
"""


@dataclass(frozen=True)
class Stage:
    """A box of the upper row.

    Parameters
    ----------
    title
        What is made there.
    lines
        How, and in which file it ends.
    module
        Where the code is; a file of ``job``.
    """

    title: str
    lines: tuple[str, ...]
    module: str


STAGES = (
    Stage("Photos", ("one folder a label,", "here or in S3"), "job/images/listing.py"),
    Stage("Features", ("1,280 values a photo;", "bad ones set aside"), "job/features/network/extractor.py"),
    Stage("Components", ("standardised, then PCA;", "one fit for every k"), "job/pca/components.py"),
    Stage("Classifier", ("four kinds, tested on", "photos never fitted"), "job/classifiers/train.py"),
    Stage("Results", ("Parquet, CSV, a report,", "a model for phones"), "job/results/layout.py"),
)

WORDS: Mapping[str, tuple[str, str]] = {
    "AWS::S3::Bucket": ("bucket", "buckets"),
    "AWS::IAM::User": ("user who may only read", "users who may only read"),
    "AWS::IAM::AccessKey": ("access key", "access keys"),
    "AWS::SecretsManager::Secret": ("secret", "secrets"),
    "AWS::Budgets::Budget": ("monthly budget", "monthly budgets"),
    "AWS::EC2::VPC": ("network", "networks"),
    "AWS::EC2::Subnet": ("subnet", "subnets"),
    "AWS::EC2::VPCEndpoint": ("endpoint", "endpoints"),
    "AWS::EC2::SecurityGroup": ("security group", "security groups"),
    "AWS::IAM::Role": ("role", "roles"),
    "AWS::KMS::Key": ("disk key", "disk keys"),
}
"""What the picture calls the resources that it counts, one and several; the rest are their details."""

LIVES: Mapping[str, str] = {
    "OrchardData": "stays: images, results, logs",
    "OrchardAccess": "stays: the evaluator",
    "OrchardBudget": "stays: mail before it is dear",
    "OrchardCluster": "goes with orchard destroy: costs by the second",
}


def synthesised(folder: Path) -> dict[str, Template]:
    """Return the templates of all stacks, with the settings of cdk.json and a budget."""
    context = json.loads(CDK_JSON.read_text())["context"] | {"alert_email": "you@example.org"}
    wheelhouse = folder / "wheelhouse.zip"
    # Its content does not show in the picture.
    wheelhouse.write_bytes(b"")
    app = cdk.App(context=context, outdir=str(folder / "cdk.out"), analytics_reporting=False)
    declare(app, read_settings(context), wheelhouse)
    stacks = app.synth().stacks
    return {stack.stack_name: stack.template for stack in stacks}


def contents(template: Template) -> list[str]:
    """Return what a stack holds, a line each: "2 buckets"."""
    counted = Counter(resource["Type"] for resource in template["Resources"].values())
    return [f"{counted[kind]} {words[counted[kind] > 1]}" for kind, words in WORDS.items() if counted[kind]]


def nodes(template: Template) -> str:
    """Return the nodes that a cluster starts with, in a line; empty for a stack without a cluster."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::EMR::Cluster":
            instances = resource["Properties"]["Instances"]
            tasks = instances["TaskInstanceFleets"]
            on_demand = instances["CoreInstanceFleet"]["TargetOnDemandCapacity"]
            spot = sum(fleet["TargetSpotCapacity"] for fleet in tasks)
            task = spot + sum(fleet.get("TargetOnDemandCapacity", 0) for fleet in tasks)
            type_ = instances["CoreInstanceFleet"]["InstanceTypeConfigs"][0]["InstanceType"]
            release = resource["Properties"]["ReleaseLabel"]
            return f"{release}: 1 primary, {on_demand} core and {task} task nodes ({spot} Spot) like {type_}"
    return ""


def draw(templates: Mapping[str, Template]) -> str:
    """Return the picture.

    Parameters
    ----------
    templates
        Templates by name of stack.
    """
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="t">',
        "<title id='t'>From photos to results by one job, and the stacks of the cluster that it also runs on</title>",
        f"<style>{STYLE}</style>",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">',
        '<path class="head" d="M0 0 8 4 0 8z"/></marker></defs>',
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>',
        _text(20, 28, "The job: the same on this machine and on the cluster", "title"),
        *_stages(),
        _text(20, 208, "The environment: declared by app.py, settings in cdk.json", "title"),
        *_stacks(templates),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _stages() -> list[str]:
    width, gap, top, height = 172, 25, 44, 104
    parts = []
    for index, stage in enumerate(STAGES):
        left = 20 + index * (width + gap)
        parts += [
            _box(left, top, width, height, "job"),
            _text(left + 12, top + 24, stage.title, "title"),
            *_lines(left + 12, top + 46, stage.lines),
            _text(left + 12, top + height - 12, stage.module, "small"),
        ]
        if index:
            parts.append(_arrow(left - gap + 2, top + height // 2, left - 3, top + height // 2))
    return parts


def _stacks(templates: Mapping[str, Template]) -> list[str]:
    lasting = [name for name in LIVES if name in templates and not nodes(templates[name])]
    (passing,) = [name for name in templates if nodes(templates[name])]
    width, gap, top = 304, 24, 224
    parts, tallest = [], 112
    for index, name in enumerate(lasting):
        left = 20 + index * (width + gap)
        parts += [
            _box(left, top, width, tallest, "box"),
            _text(left + 12, top + 24, name, "title"),
            _text(left + 12, top + 24 + LINE, LIVES[name], "small"),
            *_lines(left + 12, top + 66, contents(templates[name])),
        ]
    below = top + tallest + 44
    parts += [
        _box(20, below, WIDTH - 40, 108, "cluster"),
        _text(32, below + 24, passing, "title"),
        _text(32, below + 24 + LINE, LIVES[passing], "small"),
        _text(32, below + 66, nodes(templates[passing])),
        _text(32, below + 66 + LINE, ", ".join(contents(templates[passing]))),
        _arrow(120, below - 3, 120, top + tallest + 4),
        _arrow(90, top + tallest + 3, 90, below - 4),
        _text(134, below - 17, "photos and code in, results and logs out; no other way out by default", "small"),
    ]
    return parts


def _box(left: int, top: int, width: int, height: int, kind: str) -> str:
    return f'<rect class="{kind}" x="{left}" y="{top}" width="{width}" height="{height}" rx="8"/>'


def _text(left: int, base: int, text: str, kind: str = "") -> str:
    return f'<text x="{left}" y="{base}"{f" class={json.dumps(kind)}" if kind else ""}>{escape(text)}</text>'


def _lines(left: int, base: int, lines: Sequence[str]) -> list[str]:
    return [_text(left, base + LINE * index, line) for index, line in enumerate(lines)]


def _arrow(x1: int, y1: int, x2: int, y2: int) -> str:
    return f'<path class="arrow" d="M{x1} {y1} {x2} {y2}"/>'


def main() -> int:
    """Write the picture; return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        PICTURE.write_text(draw(synthesised(Path(folder))))
    print(f"picture: {PICTURE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
