"""Tests of job/errors/mapping.py, on texts as Spark gives them."""

import pytest
from py4j.protocol import Py4JNetworkError

from job.errors import RunFailedError, UsageError
from job.errors.mapping import from_spark, probable_cause

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

OUR_FAILURE = """org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File "storage.py", line 150, in write_bytes
    raise RunFailedError(
job.errors.RunFailedError: '/full/features' could not be written: No space left on device.
Check that the output may be written to and has space left, then run it again.

\tat org.apache.spark.api.python.BasePythonRunner
"""

JAVA_FAILURE = """: org.apache.spark.SparkException: Job aborted.
\tat org.apache.spark.scheduler.DAGScheduler.abortStage(DAGScheduler.scala:2785)
Caused by: java.lang.OutOfMemoryError: Java heap space
\tat java.base/java.util.Arrays.copyOf(Arrays.java:3745)
"""


def test_the_last_line_of_a_tasks_traceback_is_the_cause() -> None:
    assert probable_cause(PYTHON_FAILURE) == "ValueError: no features"


def test_javas_innermost_cause_is_the_cause_where_no_python_failed() -> None:
    assert probable_cause(JAVA_FAILURE) == "OutOfMemoryError: Java heap space"


def test_a_text_of_neither_kind_ends_with_its_cause() -> None:
    assert probable_cause("something\nwent wrong\n\n") == "went wrong"


def test_a_failure_that_a_task_told_in_two_lines_is_told_in_the_same_two_lines() -> None:
    error = from_spark(RuntimeError(OUR_FAILURE))

    assert type(error) is RunFailedError
    assert error.message == "'/full/features' could not be written: No space left on device."
    assert error.hint == "Check that the output may be written to and has space left, then run it again."


def test_any_other_failure_gets_its_cause_and_the_way_to_the_whole_trace() -> None:
    error = from_spark(RuntimeError(PYTHON_FAILURE))

    assert error.message == "The run failed: ValueError: no features"
    assert error.hint == "Run it again with --debug for the whole trace."
    assert error.exit_code == 1


def test_a_task_that_says_try_again_makes_the_run_say_so() -> None:
    error = from_spark(RuntimeError(OUR_FAILURE.replace("RunFailedError", "TryAgainError")))

    assert error.exit_code == 75


def test_a_java_process_that_has_died_is_told_as_that() -> None:
    error = from_spark(Py4JNetworkError("Answer from Java side is empty"))

    assert error.message == "Spark's Java process has ended in the middle of the run."


def test_a_failure_of_ours_stays_itself() -> None:
    ours = UsageError("what", "remedy")

    assert from_spark(ours) is ours


ENDED = "A process of Spark's ended again and again in the middle of a task: for want of memory, or because it hung."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "SparkException: Python worker exited unexpectedly (crashed)\nCaused by: java.io.EOFException",
            ENDED,
        ),
        (
            "ExecutorLostFailure (executor 3 exited caused by one of the running tasks) Reason: killed by YARN",
            ENDED,
        ),
        (
            "Caused by: java.io.IOException: No space left on device",
            "A disk that Spark keeps its temporary files on is full.",
        ),
    ],
    ids=["worker", "executor", "disk"],
)
def test_what_ends_a_task_from_outside_is_told_as_what_it_is(text: str, message: str) -> None:
    error = from_spark(RuntimeError(text))

    assert (type(error), error.message) == (RunFailedError, message)
    assert error.hint.endswith("then go on with --resume.")
