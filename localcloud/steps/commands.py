"""What a step's command becomes on this machine: what is fetched, what is replaced, what is run."""

from collections.abc import Sequence
from dataclasses import dataclass

COMMAND_RUNNER = "command-runner.jar"

REPLACED_OPTIONS = ("--master", "--deploy-mode")
FILES_OPTIONS = ("--py-files", "--files", "--jars", "--archives", "--properties-file")
"""Their values are lists of URIs, with commas between."""

SWITCHES = ("--verbose", "-v", "--supervise", "--help", "-h", "--version", "--usage-error")
"""Options of spark-submit that have no value; all others have one."""


class NotRunnableError(Exception):
    """A step that cannot be run; the message says why."""


@dataclass(frozen=True)
class Plan:
    """How a step is run.

    ``fetched`` holds positions in ``command`` whose S3 URIs must become files; ``replaced`` one sentence for each
    difference from the step as submitted.
    """

    command: Sequence[str]
    fetched: Sequence[int] = ()
    replaced: Sequence[str] = ()


def plan(jar: str, arguments: Sequence[str]) -> Plan:
    """Return how a step is run."""
    if jar.rsplit("/", 1)[-1] != COMMAND_RUNNER:
        raise NotRunnableError(f"The local cloud runs {COMMAND_RUNNER} only, not {jar}.")
    if not arguments:
        raise NotRunnableError(f"{COMMAND_RUNNER} was given no command.")
    if arguments[0] != "spark-submit":
        return Plan(arguments)
    return plan_spark(arguments[1:])


def plan_spark(arguments: Sequence[str]) -> Plan:
    """Return how ``spark-submit`` is run: here instead of on YARN, its code fetched before."""
    command, fetched, replaced = ["spark-submit"], [], []
    words = iter(arguments)
    for word in words:
        option, equals, value = word.partition("=")
        if not option.startswith("-"):
            # The program itself, and then its own arguments, of which nothing is changed.
            command.append(word)
            if is_remote(word):
                fetched.append(len(command) - 1)
            break
        if option in SWITCHES:
            command.append(word)
            continue
        value = value if equals else next(words, "")
        if option in REPLACED_OPTIONS:
            # Which master it is instead is in spark-defaults.conf.
            replaced.append(f"{option} {value} by local mode on this machine")
            continue
        command += [option, value]
        if option in FILES_OPTIONS and any(is_remote(each) for each in value.split(",")):
            fetched.append(len(command) - 1)
    return Plan([*command, *words], fetched, replaced)


def is_remote(uri: str) -> bool:
    """Return whether something lies in S3, as EMR may spell it."""
    return uri.startswith(("s3://", "s3a://", "s3n://"))
