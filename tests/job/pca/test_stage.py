"""Tests of job/pca/stage.py."""

import numpy as np
import pytest

from job.errors import BackboneError
from job.pca.components import Moments
from job.pca.stage import require_finite


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("part", ["shift", "total"])
def test_refuses_features_that_are_not_finite(part: str, value: float) -> None:
    sums = {"shift": np.zeros(2), "total": np.zeros(2)}
    sums[part] = np.array([0.0, value])

    with pytest.raises(BackboneError) as raised:
        require_finite(Moments(sums["shift"], 3, sums["total"], np.zeros(3)))

    assert raised.value.code == "ORC-140"


def test_accepts_finite_features() -> None:
    require_finite(Moments(np.zeros(2), 3, np.ones(2), np.zeros(3)))
