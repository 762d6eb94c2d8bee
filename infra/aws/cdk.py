"""Run the pinned CDK command line, and change the settings that it reads from cdk.json."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.aws.client import Aws
from infra.errors import CommandError, ProgramMissingError

PROJECT = Path(__file__).resolve().parent.parent.parent
CDK_JSON = PROJECT / "cdk.json"


def call(command: Sequence[str]) -> int:
    """Run a program of the project in the project's folder; return its exit code."""
    environment = with_programs(os.environ)
    try:
        return subprocess.run(command, cwd=PROJECT, env=environment, check=False).returncode
    except FileNotFoundError as error:
        raise ProgramMissingError(f"The program {command[0]} must be installed.", "Install it: make setup") from error


def with_programs(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which the programs that set-up installed are found first."""
    folders = [PROJECT / "node_modules" / ".bin", PROJECT / ".venv" / "bin"]
    path = os.pathsep.join([*map(str, folders), environment.get("PATH", "")])
    return {**environment, "PATH": path}


def deploy_command(stack: str, aws: Aws, **settings: object) -> list[str]:
    """Return the command that deploys a stack, with settings that differ from cdk.json."""
    context = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return ["cdk", "deploy", stack, "--require-approval", "never", *_where(aws), *context]


def prepare_command(stack: str, aws: Aws, **settings: object) -> list[str]:
    """Return the command that has CloudFormation list what a deployment would change, without changing it."""
    # Without --exclusively the CDK would prepare the stacks that this one uses, too.
    return [*deploy_command(stack, aws, **settings), "--exclusively", "--method", "prepare-change-set"]


def context() -> dict[str, Any]:
    """Return the context in cdk.json: every setting's default, and the CDK's own switches."""
    declared: dict[str, Any] = json.loads(CDK_JSON.read_text(encoding="utf-8"))["context"]
    return declared


def setting(name: str) -> int:
    """Return a numeric setting of cdk.json."""
    return int(_find(name, CDK_JSON.read_text()).group(2))


def change_setting(name: str, value: int) -> None:
    """Write a new value of a numeric setting into cdk.json, which the next plain ``cdk deploy`` reads."""
    text = CDK_JSON.read_text()
    found = _find(name, text)
    # All of the new file or all of the old one: half a cdk.json would stop every command.
    file = CDK_JSON.resolve()
    new = file.with_name(f".{file.name}.new")
    new.write_text(f"{text[: found.start(2)]}{value}{text[found.end(2) :]}")
    shutil.copymode(file, new)
    new.replace(file)


def _where(aws: Aws) -> list[str]:
    """Return the options that make the CDK work in the same account and region as every other call."""
    return ["-c", f"region={aws.region}", *(["--profile", aws.profile] if aws.profile else [])]


def _find(name: str, text: str) -> "re.Match[str]":
    found = re.search(rf'("{re.escape(name)}"\s*:\s*)(\d+)', text)
    if found is None:
        raise CommandError(
            f"cdk.json must have a number for {name}, found none.", f'Restore it in cdk.json: "{name}": 1'
        )
    return found
