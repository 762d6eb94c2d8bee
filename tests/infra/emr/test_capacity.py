"""Task nodes are split into Spot and on demand."""

import pytest

from infra.emr.capacity import Capacity, task_capacity


@pytest.mark.parametrize(
    ("count", "share", "expected"),
    [
        (4, 100, Capacity(on_demand=0, spot=4)),
        (4, 0, Capacity(on_demand=4, spot=0)),
        (4, 75, Capacity(on_demand=1, spot=3)),
        (1, 50, Capacity(on_demand=0, spot=1)),
        (3, 50, Capacity(on_demand=1, spot=2)),
        (0, 100, Capacity(on_demand=0, spot=0)),
    ],
)
def test_the_share_of_spot_is_rounded_half_up(count: int, share: int, expected: Capacity) -> None:
    assert task_capacity(count, share) == expected
