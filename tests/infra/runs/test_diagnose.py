"""Tests of infra/runs/diagnose.py, on logs as EMR, Spark and S3 write them."""

import pytest

from infra.runs.diagnose import CAUSES, Diagnosis, diagnose, diagnose_cluster

MORE_MEMORY = "Use nodes with more memory a core: orchard up -c worker_instance_types=r6i.xlarge"
OWN_FOLDERS = "A step may read and write the data bucket only; use its folders, or add the permission to the node role."

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
    ("log", "sentence", "hint"),
    [
        (
            YARN_KILLED,
            "A Spark process was killed because its node ran out of memory (exit code 137).",
            MORE_MEMORY,
        ),
        (HEAP_FULL, "Spark's Java process ran out of memory (Java heap space).", MORE_MEMORY),
        (PYTHON_MEMORY, "A Python process ran out of memory.", MORE_MEMORY),
        (
            IAM_REFUSED,
            "The permission s3:PutObject on arn:aws:s3:::somebody-elses/results/x is missing.",
            OWN_FOLDERS,
        ),
        (
            S3_REFUSED,
            "The permission for CreateMultipartUpload on s3://other/results/progress.json is missing.",
            OWN_FOLDERS,
        ),
        (
            SPOT_LOST,
            "A Spot node was taken back by AWS, more often than Spark retries.",
            "Run it again, with more nodes on demand: orchard up -c spot_share=0",
        ),
        (
            NO_MODULE,
            "The Python library pyarrow is not on the cluster.",
            "Deploy the cluster anew, so that its bootstrap action installs what this version needs: orchard up",
        ),
        (
            DISK_FULL,
            "A node's disk is full.",
            "Use more or larger nodes: orchard up -c core_count=N",
        ),
        (
            NO_BUCKET,
            "A bucket that the run names does not exist.",
            "Check the URIs that the run was given: --images, --test, --predict and --model.",
        ),
        (
            OWN_WORDS,
            "--components 500 is not possible with 30 photos of 1280 features each.",
            "Choose between 1 and 29: at most the smaller of photos - 1 and features.",
        ),
        (UNKNOWN_PYTHON, "ValueError: no features", "The whole log shows more: orchard logs"),
        (UNKNOWN_JAVA, "SocketException: Connection reset", "The whole log shows more: orchard logs"),
    ],
)
def test_a_log_is_one_sentence_with_what_to_do_and_where_it_stands(log: str, sentence: str, hint: str) -> None:
    told = diagnose({"s3://logs/step/stdout.gz": "all went well\n", "s3://logs/step/stderr.gz": log})

    assert (told.sentence, told.hint, told.log) == (sentence, hint, "s3://logs/step/stderr.gz")


def test_a_cause_carries_its_own_code_and_the_jobs_words_carry_the_jobs() -> None:
    with_code = OWN_WORDS.replace("each.\n", "each. [ORC-111]\n")

    assert diagnose({"uri": SPOT_LOST}).code == "ORC-504"
    assert diagnose({"uri": UNKNOWN_PYTHON}).code == ""
    # A step of an older version of the job printed no code
    assert diagnose({"uri": OWN_WORDS}).code == ""
    assert diagnose({"uri": with_code}) == Diagnosis(
        "--components 500 is not possible with 30 photos of 1280 features each.",
        "Choose between 1 and 29: at most the smaller of photos - 1 and features.",
        "uri",
        "ORC-111",
    )


def test_every_cause_of_the_table_is_shown_by_a_log_here() -> None:
    logs = [YARN_KILLED, HEAP_FULL, PYTHON_MEMORY, IAM_REFUSED, S3_REFUSED, SPOT_LOST, NO_MODULE, DISK_FULL]
    logs += [NO_BUCKET, OWN_WORDS]

    shown = {next(cause.name for cause in CAUSES if cause.pattern.search(log)) for log in logs}

    assert shown == {cause.name for cause in CAUSES}


def test_without_a_known_cause_emrs_own_reason_is_told() -> None:
    assert diagnose({}, "Unknown Error.") == Diagnosis(
        "EMR says: Unknown Error.", "Look into the whole log: orchard logs"
    )
    assert diagnose({"uri": "fine"}).sentence == "The logs show no cause that is known."


def test_a_failed_bootstrap_action_is_told_by_the_last_lines_of_its_log() -> None:
    log = "Looking in links: /tmp/wheels\nERROR: hash mismatch for numpy\nbootstrap: pip failed\n"

    told = diagnose_cluster(
        "TERMINATED_WITH_ERRORS", "BOOTSTRAP_FAILURE: bootstrap action 1 failed", {"s3://logs/b.gz": log}
    )

    assert told == Diagnosis(
        "The bootstrap action failed: "
        "Looking in links: /tmp/wheels / ERROR: hash mismatch for numpy / bootstrap: pip failed",
        "Mend it, then: orchard up",
        "s3://logs/b.gz",
        "ORC-510",
    )


NEW_ONE = "Make a new one: orchard up"
OTHER_TYPES = "Name more instance types: orchard up -c worker_instance_types=m6i.xlarge,m5.xlarge"


@pytest.mark.parametrize(
    ("reason", "code", "sentence", "hint"),
    [
        (
            "BOOTSTRAP_FAILURE: bootstrap action 1 failed",
            "ORC-510",
            "The bootstrap action failed, and its log is not there yet.",
            "Look again: orchard status",
        ),
        (
            "INSTANCE_FAILURE: insufficient capacity for m6i.xlarge",
            "ORC-514",
            "AWS had no such nodes: INSTANCE_FAILURE: insufficient capacity for m6i.xlarge",
            OTHER_TYPES,
        ),
        (
            "INSTANCE_FLEET_TIMEOUT: Provisioning of the fleet if-1 timed out.",
            "ORC-512",
            "AWS did not bring the nodes in time: INSTANCE_FLEET_TIMEOUT: Provisioning of the fleet if-1 timed out.",
            OTHER_TYPES,
        ),
        (
            "VALIDATION_ERROR: m8g.xlarge is not supported in eu-west-3c.",
            "ORC-513",
            "EMR refuses such a cluster: VALIDATION_ERROR: m8g.xlarge is not supported in eu-west-3c.",
            "Change what it names, then: orchard up",
        ),
        (
            "VALIDATION_ERROR: More vCPUs than the limit of 16 allows.",
            "ORC-511",
            "The account may not start that many nodes: VALIDATION_ERROR: More vCPUs than the limit of 16 allows.",
            "Have AWS raise the quota of EC2's vCPUs, or begin with fewer nodes: orchard up -c task_count=0",
        ),
        (
            "USER_REQUEST: ended by idle time.",
            "",
            "The cluster is TERMINATED: USER_REQUEST: ended by idle time.",
            NEW_ONE,
        ),
        ("", "", "The cluster is TERMINATED: EMR gives no reason.", NEW_ONE),
    ],
)
def test_a_cluster_that_ended_is_told_by_emrs_reason(reason: str, code: str, sentence: str, hint: str) -> None:
    assert diagnose_cluster("TERMINATED", reason, {}) == Diagnosis(sentence, hint, code=code)
