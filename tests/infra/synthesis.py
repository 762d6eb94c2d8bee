"""A synthesised environment for tests: its templates, with references resolved, and cdk-nag's report."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from app import declare
from infra.cdk_context import read_settings

ROOT = Path(__file__).resolve().parent.parent.parent
ACCOUNT = "111122223333"

Resource = dict[str, Any]
Part = Any
"""Of a template: whatever JSON holds."""


def default_context() -> dict[str, Any]:
    """Return the context in cdk.json: every setting's default, and the feature flags."""
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return context


@dataclass
class Environment:
    """What one synthesis made.

    Attributes
    ----------
    folder
        The cloud assembly.
    region
        That the stacks are for.
    """

    folder: Path
    region: str

    def template(self, stack: str) -> dict[str, Any]:
        """Return a stack's template."""
        template: dict[str, Any] = json.loads(self.template_file(stack).read_text())
        return template

    def template_file(self, stack: str) -> Path:
        """Return where a stack's template lies."""
        return self.folder / f"{stack}.template.json"

    def stacks(self) -> list[str]:
        """Return the names of all stacks."""
        return sorted(path.name.removesuffix(".template.json") for path in self.folder.glob("*.template.json"))

    def report(self) -> dict[str, Any]:
        """Return what the validation plugins found."""
        report: dict[str, Any] = json.loads((self.folder / "validation-report.json").read_text())
        return report

    def resources(self, stack: str, kind: str) -> dict[str, Resource]:
        """Return a stack's resources of one type, by logical id."""
        found: dict[str, Resource] = self.template(stack).get("Resources", {})
        return {name: resource for name, resource in found.items() if resource["Type"] == kind}

    def only(self, stack: str, kind: str) -> dict[str, Any]:
        """Return the properties of a stack's one resource of a type, references resolved."""
        (resource,) = self.resources(stack, kind).values()
        properties: dict[str, Any] = self.resolve(stack, resource["Properties"])
        return properties

    def named(self, stack: str, kind: str, start: str) -> dict[str, Any]:
        """Return the properties of the one resource of a type whose logical id starts so."""
        found = {name: r for name, r in self.resources(stack, kind).items() if name.startswith(start)}
        (resource,) = found.values()
        properties: dict[str, Any] = self.resolve(stack, resource["Properties"])
        return properties

    def resolve(self, stack: str, value: Part) -> Part:
        """Return a part of a template as it would read after deployment, with logical ids for names."""
        if isinstance(value, list):
            return [self.resolve(stack, item) for item in value]
        if not isinstance(value, dict):
            return value
        functions: dict[str, Callable[[Any], Any]] = {
            "Ref": lambda name: self._reference(stack, name),
            "Fn::GetAtt": lambda argument: self._attribute(stack, *argument),
            "Fn::Join": lambda argument: argument[0].join(map(str, self.resolve(stack, argument[1]))),
            "Fn::Sub": lambda text: re.sub(r"\$\{([^}]+)\}", lambda m: self._reference(stack, m[1]), text),
            "Fn::ImportValue": self._imported,
        }
        (function, argument), *others = value.items() if value else [("", None)]
        if function in functions and not others:
            return functions[function](argument)
        return {name: self.resolve(stack, item) for name, item in value.items()}

    def _reference(self, stack: str, name: str) -> str:
        pseudo = {"AWS::AccountId": ACCOUNT, "AWS::Partition": "aws", "AWS::Region": self.region}
        if name in pseudo:
            return pseudo[name]
        if self.template(stack)["Resources"][name]["Type"] == "AWS::SecretsManager::Secret":
            return f"arn:aws:secretsmanager:{self.region}:{ACCOUNT}:secret:{name}"
        return name

    def _attribute(self, stack: str, name: str, attribute: str) -> str:
        if attribute != "Arn":
            return f"{name}.{attribute}" if attribute != "GroupId" else name
        kind = self.template(stack)["Resources"][name]["Type"]
        forms = {
            "AWS::S3::Bucket": f"arn:aws:s3:::{name}",
            "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{name}",
            "AWS::KMS::Key": f"arn:aws:kms:{self.region}:{ACCOUNT}:key/{name}",
        }
        return forms[kind]

    def _imported(self, export: str) -> str:
        for stack in self.stacks():
            for output in self.template(stack).get("Outputs", {}).values():
                if output.get("Export", {}).get("Name") == export:
                    return str(self.resolve(stack, output["Value"]))
        raise KeyError(export)


Synthesise = Callable[..., Environment]
"""Returns the environment with settings that differ from cdk.json: what the fixture ``environment`` is."""


def synthesise(changes: dict[str, Any], wheelhouse: Path, folder: Path) -> Environment:
    """Synthesise the whole environment in this process.

    Parameters
    ----------
    changes
        Settings that differ from cdk.json.
    wheelhouse
        Any file.
    folder
        Where the cloud assembly goes.
    """
    context = default_context() | changes
    app = cdk.App(context=context, outdir=str(folder), analytics_reporting=False)
    settings = read_settings(context)
    declare(app, settings, wheelhouse)
    app.synth()
    return Environment(folder, settings.region)
