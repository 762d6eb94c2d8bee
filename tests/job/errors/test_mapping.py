"""Tests of job/errors/mapping.py, on texts as Spark gives them."""

import pytest
from py4j.protocol import Py4JAuthenticationError, Py4JError, Py4JNetworkError
from pyspark.errors import PySparkRuntimeError

from job.errors import RunFailedError, SparkEndedError, TryAgainError, UsageError, from_spark, probable_cause, refused

PYTHON_FAILURE = """An error occurred while calling z:org.apache.spark.api.python.PythonRDD.collectAndServe.
: org.apache.spark.SparkException: Job aborted due to stage failure: Task 3 in stage 0.0 failed 1 times, most recent \
failure: Lost task 3.0 in stage 0.0 (TID 3) (127.0.0.1 executor driver): \
org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File "worker.py", line 1247, in main
    process()
  File "features.py", line 90, in featurize_partition
    raise ValueError("no features")
ValueError: no features

\tat org.apache.spark.api.python.BasePythonRunner$ReaderIterator.handlePythonException(PythonRunner.scala:572)
\tat java.base/java.lang.Thread.run(Thread.java:840)
"""

OUR_MESSAGE = "'/full/features' could not be written: No space left on device."
OUR_HINT = "Check that the output may be written to and has space left, then run it again."
OUR_FAILURE = f"""org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File "storage.py", line 150, in write_bytes
    raise RunFailedError(
job.errors.catalogue.RunFailedError: {OUR_MESSAGE}
{OUR_HINT}

\tat org.apache.spark.api.python.BasePythonRunner
"""

JAVA_FAILURE = """: org.apache.spark.SparkException: Job aborted.
\tat org.apache.spark.scheduler.DAGScheduler.abortStage(DAGScheduler.scala:2785)
Caused by: java.lang.OutOfMemoryError: Java heap space
\tat java.base/java.util.Arrays.copyOf(Arrays.java:3745)
"""


def test_the_last_line_of_a_tasks_traceback_is_the_cause() -> None:
    assert probable_cause(PYTHON_FAILURE) == "ValueError: no features"


def test_innermost_java_cause_is_found_without_python_traceback() -> None:
    assert probable_cause(JAVA_FAILURE) == "OutOfMemoryError: Java heap space"


def test_a_text_of_neither_kind_ends_with_its_cause() -> None:
    assert probable_cause("something\nwent wrong\n\n") == "went wrong"


def test_restores_error_raised_in_a_task() -> None:
    error = from_spark(RuntimeError(OUR_FAILURE))

    assert type(error) is RunFailedError
    assert (error.message, error.hint) == (OUR_MESSAGE, OUR_HINT)


def test_other_failure_names_its_cause() -> None:
    error = from_spark(RuntimeError(PYTHON_FAILURE))

    assert (type(error), error.exit_code) == (RunFailedError, 1)
    assert "ValueError: no features" in error.message
    assert "--debug" in error.hint


def test_restores_exit_code_of_try_again() -> None:
    error = from_spark(RuntimeError(OUR_FAILURE.replace("RunFailedError", "TryAgainError")))

    assert (type(error), error.exit_code) == (TryAgainError, 75)


@pytest.mark.parametrize(
    "error",
    [
        Py4JNetworkError("Answer from Java side is empty"),
        # A process that is just ending may still accept a connection, and reset it.
        Py4JAuthenticationError("Failed to authenticate with gateway server."),
        Py4JError("An error occurred while calling o27.setCallSite"),
        Py4JError("PythonRDD does not exist in the JVM"),
        PySparkRuntimeError(error_class="CANNOT_OPEN_SOCKET", message_parameters={"errors": "['refused']"}),
        ConnectionRefusedError(111, "Connection refused"),
        EOFError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_dead_java_process_is_a_spark_ended_error(error: Exception) -> None:
    assert type(from_spark(error)) is SparkEndedError


@pytest.mark.parametrize(
    "error",
    [
        Py4JError("An error occurred while calling o27.setCallSite. Trace:\njava.lang.Error: no such method"),
        EOFError("No data left in file"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_failure_beside_living_java_process_is_not_its_end(error: Exception) -> None:
    assert type(from_spark(error)) is RunFailedError


def test_leaves_our_own_error_as_it_is() -> None:
    ours = UsageError("message", "hint")

    assert from_spark(ours) is ours


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        (
            "SparkException: Python worker exited unexpectedly (crashed)\nCaused by: java.io.EOFException",
            "memory",
        ),
        (
            "ExecutorLostFailure (executor 3 exited caused by one of the running tasks) Reason: killed by YARN",
            "memory",
        ),
        ("Caused by: java.io.IOException: No space left on device", "SPARK_LOCAL_DIRS"),
    ],
    ids=["worker", "executor", "disk"],
)
def test_recognises_what_ended_a_task_from_outside(text: str, fix: str) -> None:
    error = from_spark(RuntimeError(text))

    assert type(error) is RunFailedError
    assert fix in error.hint
    assert "--resume" in error.hint


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("AWS Error INVALID_ACCESS_KEY_ID during ListObjectsV2 operation: m", "AWS_PROFILE"),
        ("AWS Error UNKNOWN (HTTP status 400): Unable to parse ExceptionName: ExpiredToken Message: m", "sso login"),
        ("AWS Error REQUEST_TIME_TOO_SKEWED during ListObjectsV2 operation: m", "clock"),
        ("AWS Error UNKNOWN (HTTP status 301) during HeadObject operation: No response body.", "AWS_REGION"),
        ("AWS Error NO_SUCH_BUCKET during ListObjectsV2 operation: m", "aws s3 ls"),
        ("AWS Error ACCESS_DENIED during PutObject operation: m", "s3:PutObject"),
    ],
)
def test_refusal_of_s3_has_its_own_fix(text: str, fix: str) -> None:
    assert fix in str(refused(OSError(text), "s3:PutObject"))


def test_passing_trouble_of_s3_is_no_refusal() -> None:
    assert refused(OSError("AWS Error SLOW_DOWN during GetObject operation")) is None
