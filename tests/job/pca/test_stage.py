"""Tests of job/pca/stage.py."""

from dataclasses import replace

import numpy as np
import pytest

from job.errors import BackboneError
from job.pca.components import Moments
from job.pca.stage import require_finite


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("part", ["shift", "total"])
def test_refuses_features_that_are_not_finite(part: str, value: float) -> None:
    moments = Moments.nothing(np.zeros(2))
    setattr(moments, part, np.array([0.0, value]))

    with pytest.raises(BackboneError) as raised:
        require_finite(moments)

    assert raised.value.code == "ORC-140"


def test_accepts_finite_features() -> None:
    require_finite(replace(Moments.nothing(np.zeros(2)), count=3, total=np.ones(2)))
