"""What tests of the job share: Keras."""

import os
from typing import Any

import pytest


@pytest.fixture(scope="session")
def keras() -> Any:
    """Return the module, which takes seconds to import."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras  # noqa: PLC0415 - only few tests need it

    return keras
