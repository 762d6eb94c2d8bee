"""Tests of job/spark/own_process.py in processes of their own."""

import subprocess
import sys

import pytest

ALONE = "from job.spark import own_process; own_process.begin()"
JOB = "from job.__main__ import main; main()"
ORCHARD = "from infra.cli import main; main()"


@pytest.mark.parametrize("start", [ALONE, JOB, ORCHARD])
def test_process_of_orchard_does_not_load_pandas(start: str) -> None:
    look = "import pyarrow; pyarrow.array([1]); print('pandas' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {start}; {look}"], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize("start", [ALONE, JOB, ORCHARD])
def test_process_of_orchard_ends_without_looking_for_garbage(start: str) -> None:
    # What is registered first runs last.
    look = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 0))"

    done = subprocess.run([sys.executable, "-c", f"{look}; {start}"], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "True"
