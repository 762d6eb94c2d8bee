"""What tests of the job share: a Spark for each module that wants one, and Keras."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from pyspark import SparkContext

from job import session


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkContext]:
    """Run one Spark for all tests of a module; whole runs join it."""
    context = session.start("local[2]")
    session.carry_code(context, tmp_path_factory.mktemp("code"))
    yield context
    session.stop(context)


@pytest.fixture(scope="session")
def keras() -> Any:
    """Return the module, which takes seconds to import."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras  # noqa: PLC0415 - only few tests need it

    return keras
