"""The job runs on what the bootstrap action makes: its libraries are enough, with Spark as EMR adds it."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.emr.bootstrap import wheelhouse
from job.spark.java import find_java_home
from tests.infra.emr.bootstrap.test_bootstrap import ARCHITECTURE, bootstrap, interpreter
from tests.infra.synthesis import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the wheels are for the cluster's nodes")


@pytest.fixture
def spark(tmp_path: Path) -> Path:
    """Return a folder for PYTHONPATH with Spark's Python side and nothing else, as on EMR."""
    folder = tmp_path / "spark"
    folder.mkdir()
    for package in ("pyspark", "py4j"):
        found = importlib.util.find_spec(package)
        assert found is not None
        assert found.origin is not None
        (folder / package).symlink_to(Path(found.origin).parent)
    return folder


# Its faster sibling, a step of the whole way: tests/e2e/test_whole_way.py
@pytest.mark.slow
def test_the_job_runs_on_the_bootstrapped_interpreter(
    sample_photos: Path, random_backbone: Path, spark: Path, tmp_path: Path
) -> None:
    node = tmp_path / "python"
    assert bootstrap(interpreter(), str(node), str(wheelhouse.provide(ARCHITECTURE))).returncode == 0
    arguments = [
        "--images",
        str(sample_photos),
        "--model",
        str(random_backbone),
        "--output",
        str(tmp_path / "out"),
    ]
    result = subprocess.run(
        [str(node / "bin" / "python"), "-m", "job", "--master", "local[2]", *arguments],
        cwd=ROOT,
        # Nothing of this virtual environment: what the job imports comes from the node's or from Spark.
        env={
            "PATH": os.defpath,
            "HOME": str(tmp_path),
            "JAVA_HOME": str(find_java_home()),
            "PYTHONPATH": str(spark),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    counts = {name: manifest["counts"][name] for name in ("found", "used", "rejected")}
    assert counts == {"found": 40, "used": 40, "rejected": 0}
