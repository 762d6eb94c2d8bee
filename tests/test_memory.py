"""Tests of tests/memory.py."""

import subprocess
import sys

import pytest

HELD = 300_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: reads memory from /proc")
def test_the_memory_of_the_parent_does_not_count() -> None:
    held = bytearray(HELD)
    command = [sys.executable, "-c", "from tests import memory; print(memory.peak())"]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert 1_000_000 < int(done.stdout) < len(held)
