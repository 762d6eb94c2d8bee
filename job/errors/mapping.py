"""Turn an exception of Spark or a storage into an error of the job, with the cause that matters."""

import re

from job.errors import catalogue
from job.errors.catalogue import OrchardError, RunFailedError, SparkEndedError, StorageRefusedError, TryAgainError

# Spark passes on what a task raised as the text of a traceback, never as an object.
_OURS = re.compile(r"^job\.errors\.catalogue\.(\w+): (?P<message>.+)\n(?P<hint>.+)$", re.MULTILINE)
_PYTHON = re.compile(r"Traceback \(most recent call last\):\n(?:[ ].*\n)+(?P<error>\S.*)$", re.MULTILINE)
_JAVA = re.compile(r"^(?:: |Caused by: )?(?:[\w$]+\.)+(?P<kind>\w+(?:Exception|Error)): (?P<message>.+)$", re.MULTILINE)

_UNANSWERED = re.compile(
    r"(An error occurred while calling \S+|\S+ does not exist in the JVM|\[CANNOT_OPEN_SOCKET\].*)?", re.DOTALL
)
"""All that py4j and PySpark say of a connection that was reset or closed, as by a Java process that is just ending. If
Java answered, there is more text or another type."""

OUTSIDE_CAUSES = (
    (
        re.compile(r"No space left on device|Disk quota exceeded", re.IGNORECASE),
        "The disk for Spark's temporary files is full.",
        "Free disk space, or set SPARK_LOCAL_DIRS to a folder on another disk, then add --resume to the same command.",
    ),
    (
        re.compile(r"Python worker exited unexpectedly|ExecutorLostFailure|exited caused by one of the running tasks"),
        "A Spark process ended repeatedly in the middle of a task: it ran out of memory, or it hung.",
        "Give each task more memory, with --master 'local[1]' or larger nodes, then add --resume to the same command.",
    ),
)
"""Patterns in Spark's text for causes outside the program, each with message and hint."""

REFUSALS = (
    (re.compile(r"while the bucket is located in '([\w-]+)'"), r"Set the bucket's region: export AWS_REGION=\1"),
    (
        re.compile(r"HTTP status 301|PermanentRedirect|AuthorizationHeaderMalformed"),
        "Set the bucket's region: export AWS_REGION=REGION",
    ),
    (
        re.compile("INVALID_ACCESS_KEY_ID|SIGNATURE_DOES_NOT_MATCH|INVALID_CLIENT_TOKEN|MISSING_AUTHENTICATION_TOKEN"),
        "Use credentials that are valid: export AWS_PROFILE=NAME",
    ),
    (re.compile("ExpiredToken"), "Sign in again, for example with: aws sso login"),
    (re.compile("REQUEST_TIME_TOO_SKEWED|REQUEST_EXPIRED"), "Set this machine's clock to the right time."),
    (re.compile("NO_SUCH_BUCKET"), "Check the bucket's name. `aws s3 ls` lists the buckets of this account."),
    (
        re.compile("ACCESS_DENIED"),
        "Use credentials with the permissions {permissions}: export AWS_PROFILE=NAME",
    ),
)
"""Patterns of pyarrow's text where S3 refused, with the fix; the first that matches counts.

An answer to a HEAD request has no body: wrong keys, a wrong clock and missing permissions are all ACCESS_DENIED there.
"""


def from_spark(error: Exception) -> OrchardError:
    """Return the error for an exception that the driver met while Spark worked."""
    # Comes with Spark.
    from py4j.protocol import Py4JAuthenticationError, Py4JError, Py4JNetworkError  # noqa: PLC0415
    from pyspark.errors import PySparkRuntimeError  # noqa: PLC0415

    if isinstance(error, OrchardError):
        return error
    unanswered = type(error) in (Py4JError, PySparkRuntimeError, EOFError) and _UNANSWERED.fullmatch(str(error))
    if unanswered or isinstance(error, (Py4JNetworkError, Py4JAuthenticationError, ConnectionError)):
        return SparkEndedError(
            "Spark's Java process ended in the middle of the run, most often because memory ran out.",
            "Add --resume --master 'local[1]' to the same command: one core needs less memory.",
        )
    text = str(error)
    ours = _OURS.search(text)
    if ours is not None:
        kind: type[OrchardError] = getattr(catalogue, ours[1], RunFailedError)
        return kind(ours["message"], ours["hint"])
    for symptoms, message, hint in OUTSIDE_CAUSES:
        if symptoms.search(text):
            return RunFailedError(message, hint)
    return RunFailedError(
        f"The run failed: {probable_cause(text) or type(error).__name__}",
        "Add --debug to the same command for the traceback.",
    )


def probable_cause(text: str) -> str:
    """Return the last line of the last Python traceback in a text, else Java's innermost cause, else its last line."""
    python = list(_PYTHON.finditer(text))
    if python:
        return python[-1]["error"].strip()
    java = list(_JAVA.finditer(text))
    if java:
        return f"{java[-1]['kind']}: {java[-1]['message'].strip()}"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def unreachable(message: str, error: OSError) -> RunFailedError:
    """Return the error for a storage that does not answer, or that refuses; ``message`` says what failed."""
    fix = refused(error)
    if fix is not None:
        return StorageRefusedError(f"{message}: {one_line(error)}.", fix)
    return TryAgainError(
        f"{message}: {one_line(error)}.",
        "Check the network and the permission of these credentials, then repeat the command.",
    )


def refused(error: Exception, permissions: str = "s3:ListBucket and s3:GetObject") -> str | None:
    """Return the fix for an error of S3 that another attempt would meet again, None for every other error."""
    found = ((pattern.search(str(error)), fix) for pattern, fix in REFUSALS)
    return next((match.expand(fix).format(permissions=permissions) for match, fix in found if match), None)


def one_line(error: BaseException) -> str:
    """Return an error's message on one line, its type where it has no message."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
