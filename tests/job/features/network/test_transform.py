"""Tests of job/features/network/transform.py."""

import numpy as np
import pytest

from job.errors import NegativeFeaturesError
from job.features.network import NO_TRANSFORM, SQRT
from job.features.network.transform import transform_features

FEATURES = np.array([[0, 4], [0.25, 9]], np.float32)


def test_square_root_of_each_feature_is_float32() -> None:
    transformed = transform_features(FEATURES, SQRT)

    assert transformed.dtype == np.float32
    assert transformed.tolist() == [[0, 2], [0.5, 3]]


def test_none_returns_the_features_unchanged() -> None:
    np.testing.assert_array_equal(transform_features(-FEATURES, NO_TRANSFORM), -FEATURES)


def test_negative_feature_is_refused_by_its_value() -> None:
    with pytest.raises(NegativeFeaturesError) as refused:
        transform_features(FEATURES - 1, SQRT)

    assert refused.value.code == "ORC-149"
    assert "-1" in refused.value.message


def test_no_photos_have_nothing_to_refuse() -> None:
    assert transform_features(np.empty((0, 3), np.float32), SQRT).shape == (0, 3)
