"""Plans a step's command on this machine: what to fetch, replace and run."""

from collections.abc import Sequence
from dataclasses import dataclass

COMMAND_RUNNER = "command-runner.jar"

REPLACED_OPTIONS = ("--master", "--deploy-mode")
FILES_OPTIONS = ("--py-files", "--files", "--jars", "--archives", "--properties-file")
"""Their values are lists of URIs, with commas between."""
OPTION_OF_PROPERTY = {
    "spark.submit.pyFiles": "--py-files",
    "spark.files": "--files",
    "spark.jars": "--jars",
    "spark.archives": "--archives",
}
"""Options with the same effect as a property that ``--conf`` sets."""

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
        raise NotRunnableError(f"The local cloud runs only {COMMAND_RUNNER}, got {jar}.")
    # EMR drops empty arguments too.
    arguments = [argument for argument in arguments if argument]
    if not arguments:
        raise NotRunnableError(f"{COMMAND_RUNNER} requires a command, got no arguments.")
    if arguments[0] != "spark-submit":
        return Plan(arguments)
    return plan_spark(arguments[1:])


def plan_spark(arguments: Sequence[str]) -> Plan:
    """Return how ``spark-submit`` is run: here instead of on YARN, its code fetched before."""
    command, fetched, replaced = ["spark-submit"], [], []
    left = iter(arguments)
    for word in left:
        option, equals, value = word.partition("=")
        if not option.startswith("-"):
            # The program, followed by its own arguments, which stay unchanged.
            command.append(word)
            if is_remote(word):
                fetched.append(len(command) - 1)
            break
        if option in SWITCHES:
            command.append(word)
            continue
        value = value if equals else next(left, "")
        if option in REPLACED_OPTIONS:
            # spark-defaults.conf sets the master.
            replaced.append(f"{option} {value} by local mode on this machine")
            continue
        name, _, uris = value.partition("=")
        if option == "--conf" and name in OPTION_OF_PROPERTY:
            option, value = OPTION_OF_PROPERTY[name], uris
        command += [option, value]
        if option in FILES_OPTIONS and any(is_remote(each) for each in value.split(",")):
            fetched.append(len(command) - 1)
    return Plan([*command, *left], fetched, replaced)


def is_remote(uri: str) -> bool:
    """Return whether a URI is of S3, in any of EMR's spellings of the scheme."""
    return uri.startswith(("s3://", "s3a://", "s3n://"))
