"""What the job imports: only what the bootstrap action puts on a node, and Spark."""

import subprocess
import sys

import pytest

ABSENT = (
    "pandas",
    "tensorflow",
    "keras",
    "h5py",
    "boto3",
    "sklearn",
    "scipy",
    "matplotlib",
    "cv2",
    "vl_convert",
    "infra",
    "localcloud",
)
"""Installed where the tests run, but not on a node, or not on every one."""


@pytest.mark.parametrize(
    "module", ["job.__main__", "job.classifiers.train", "job.features.words.kmeans", "job.predict"]
)
def test_the_job_starts_without_what_nodes_do_not_have(module: str) -> None:
    code = f"import sys; sys.modules.update(dict.fromkeys({ABSENT})); import {module}"

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_run_without_a_classifier_does_not_wait_for_spark_ml() -> None:
    code = "import sys, job.__main__; print([name for name in sys.modules if name.startswith('pyspark.ml')])"

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (0, "[]\n"), ended.stderr
