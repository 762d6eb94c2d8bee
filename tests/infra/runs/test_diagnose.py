"""Tests of infra/runs/diagnose.py, on logs as EMR, Spark and S3 write them."""

import pytest

from infra import invocation
from infra.runs.diagnose import CAUSES, diagnose_cluster, diagnose_step
from tests.error_report import values

YARN_KILLED = """26/11/20 10:11:12 ERROR YarnScheduler: Lost executor 3 on ip-10-0-1-7.eu-west-1.compute.internal: \
Container from a bad node: container_1763631_0001_01_000004 on host: ip-10-0-1-7. Exit status: 137. Diagnostics: \
[2026-11-20 10:11:12.345]Container killed on request. Exit code is 137
[2026-11-20 10:11:12.346]Killed by external signal
26/11/20 10:11:13 ERROR TaskSetManager: Task 5 in stage 0.0 failed 4 times; aborting job
"""
HEAP_FULL = """26/11/20 10:11:12 ERROR Executor: Exception in task 4.0 in stage 2.0 (TID 40)
java.lang.OutOfMemoryError: Java heap space
\tat java.base/java.util.Arrays.copyOf(Arrays.java:3745)
"""
PYTHON_MEMORY = """Traceback (most recent call last):
  File "components.py", line 88, in add_rows
    shifted = rows.astype(np.float64)
numpy.core._exceptions._ArrayMemoryError: Unable to allocate 9.9 GiB
MemoryError
"""
IAM_REFUSED = """\
botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the PutObject operation: \
User: arn:aws:sts::123456789012:assumed-role/OrchardNode/i-0abc is not authorized to perform: s3:PutObject on \
resource: "arn:aws:s3:::somebody-elses/results/x" because no identity-based policy allows the s3:PutObject action
"""
S3_REFUSED = """\
error: 's3://other/results/progress.json' could not be written: When initiating multiple part upload for \
key 'results/progress.json' in bucket 'other': AWS Error ACCESS_DENIED during CreateMultipartUpload operation: Access \
Denied.
Check that the output may be written to and has space left, then run it again.
"""
SPOT_LOST = """26/11/20 10:11:12 WARN YarnAllocator: Container from a bad node: container_17_0001_01_000009 on host: \
ip-10-0-1-9. Exit status: -100. Diagnostics: Container released on a *lost* node.
"""
NO_MODULE = """Traceback (most recent call last):
  File "/mnt/tmp/main.py", line 5, in <module>
    from job.__main__ import main
ModuleNotFoundError: No module named 'pyarrow'
"""
DISK_FULL = """java.io.IOException: No space left on device
\tat java.base/java.io.FileOutputStream.writeBytes(Native Method)
"""
NO_BUCKET = """OSError: When getting information for key 'images' in bucket 'gone': AWS Error NO_SUCH_BUCKET during \
ListObjectsV2 operation: The specified bucket does not exist
"""
OWN_WORDS = """26/11/20 10:11:12 INFO SparkContext: Successfully stopped SparkContext
error: --components 500 is not possible with 30 photos of 1280 features each.
Choose between 1 and 29: at most the smaller of photos - 1 and features.
"""
UNKNOWN_PYTHON = """Traceback (most recent call last):
  File "features.py", line 90, in featurize_partition
    raise ValueError("no features")
ValueError: no features
error: The run failed: something
Run it again with --debug for the whole trace.
"""
UNKNOWN_JAVA = """org.apache.spark.SparkException: Job aborted due to stage failure
Caused by: java.net.SocketException: Connection reset
\tat java.base/java.net.SocketInputStream.read
"""


@pytest.mark.parametrize(
    ("log", "code", "named"),
    [
        (YARN_KILLED, "ORC-502", ["137"]),
        (HEAP_FULL, "ORC-502", ["Java heap space"]),
        (PYTHON_MEMORY, "ORC-502", ["Python"]),
        (IAM_REFUSED, "ORC-503", ["s3:PutObject", "arn:aws:s3:::somebody-elses/results/x"]),
        (S3_REFUSED, "ORC-503", ["CreateMultipartUpload", "s3://other/results/progress.json"]),
        (SPOT_LOST, "ORC-504", []),
        (NO_MODULE, "ORC-505", ["pyarrow"]),
        (DISK_FULL, "ORC-501", []),
        (NO_BUCKET, "ORC-506", []),
        (OWN_WORDS, "", ["--components 500 ", " 30 photos ", " 1280 features "]),
        (UNKNOWN_PYTHON, "", ["ValueError: no features"]),
        (UNKNOWN_JAVA, "", ["SocketException: Connection reset"]),
    ],
)
def test_finds_the_cause_in_a_log_with_its_values(log: str, code: str, named: list[str]) -> None:
    found = diagnose_step({"s3://logs/step/stdout.gz": "all went well\n", "s3://logs/step/stderr.gz": log})

    assert (found.code, found.log) == (code, "s3://logs/step/stderr.gz")
    assert [value for value in named if value not in found.sentence] == []
    assert found.hint


def test_builds_the_command_of_a_hint_for_the_account() -> None:
    with invocation.given("work", "eu-west-3"):
        found = diagnose_step({"uri": SPOT_LOST})

    assert found.hint.endswith(": orchard up -c spot_share=0 --profile work --region eu-west-3")


def test_takes_the_code_of_the_cause_or_of_the_job() -> None:
    with_code = OWN_WORDS.replace("each.\n", "each. [ORC-111]\n")

    assert diagnose_step({"uri": SPOT_LOST}).code == "ORC-504"
    assert diagnose_step({"uri": UNKNOWN_PYTHON}).code == ""
    # A step of an older version of the job printed no code
    assert diagnose_step({"uri": OWN_WORDS}).code == ""
    found = diagnose_step({"uri": with_code})
    assert (found.log, found.code) == ("uri", "ORC-111")
    assert values(found.sentence) == ["--components", "500", "30", "1280"]
    assert values(found.hint) == ["1", "29", "1"]


def test_every_cause_is_shown_by_a_log_here() -> None:
    logs = [YARN_KILLED, HEAP_FULL, PYTHON_MEMORY, IAM_REFUSED, S3_REFUSED, SPOT_LOST, NO_MODULE, DISK_FULL]
    logs += [NO_BUCKET, OWN_WORDS]

    shown = {next(cause.name for cause in CAUSES if cause.pattern.search(log)) for log in logs}

    assert shown == {cause.name for cause in CAUSES}


def test_quotes_emrs_reason_without_a_known_cause() -> None:
    found = diagnose_step({}, "Unknown Error.")

    assert "Unknown Error." in found.sentence
    assert found.hint.endswith(": orchard logs --all")
    assert (diagnose_step({"uri": "fine"}).log, found.code) == ("", "")


def test_quotes_the_last_lines_of_a_failed_bootstrap_action() -> None:
    lines = ["Looking in links: /tmp/wheels", "ERROR: hash mismatch for numpy", "bootstrap: pip failed"]
    log = "".join(f"{line}\n" for line in lines)

    found = diagnose_cluster("TERMINATED_WITH_ERRORS", "BOOTSTRAP_FAILURE: action 1 failed", {"s3://logs/b.gz": log})

    assert (found.code, found.log) == ("ORC-510", "s3://logs/b.gz")
    assert found.sentence.endswith(f": {' / '.join(lines)}")


@pytest.mark.parametrize(
    ("reason", "code", "command"),
    [
        ("BOOTSTRAP_FAILURE: bootstrap action 1 failed", "ORC-510", "orchard status"),
        ("INSTANCE_FAILURE: insufficient capacity for m6i.xlarge", "ORC-514", "-c worker_instance_types="),
        ("INSTANCE_FLEET_TIMEOUT: Provisioning of the fleet if-1 timed out.", "ORC-512", "-c worker_instance_types="),
        ("VALIDATION_ERROR: m8g.xlarge is not supported in eu-west-3c.", "ORC-513", "orchard up"),
        ("VALIDATION_ERROR: More vCPUs than the limit of 16 allows.", "ORC-511", "orchard up -c task_count=0"),
        ("INSTANCE_FAILURE: Max spot instance count exceeded", "ORC-511", "orchard up -c task_count=0"),
        ("USER_REQUEST: ended by idle time.", "", "orchard up"),
        ("", "", "orchard up"),
    ],
)
def test_finds_why_a_cluster_ended_in_emrs_reason(reason: str, code: str, command: str) -> None:
    found = diagnose_cluster("TERMINATED", reason, {})

    assert found.code == code
    assert command in found.hint
    assert code == "ORC-510" or reason in found.sentence
