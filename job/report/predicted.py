"""Read what a classifier predicted for photos without a label: which labels, how certainly, and the hardest photos."""

import io
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from job import storage
from job.images import PREDICT, of_split
from job.results import layout

UNCERTAIN_SHOWN = 24
BINS = 10
"""Bars of the probabilities, of equal width from 0 to 1."""

UNCERTAIN = 0.5
"""A prediction with a lower probability is called uncertain: the other labels together are more probable."""

_COLUMNS = {
    **dict.fromkeys(("path", "split", "predicted", "second"), pa.string()),
    **dict.fromkeys(("probability", "second_probability"), pa.float32()),
}


@dataclass(frozen=True)
class Prediction:
    """The two most probable labels of a photo, and their probabilities."""

    path: str
    predicted: str
    probability: float
    second: str
    second_probability: float


@dataclass(frozen=True)
class Predicted:
    """What was predicted for the photos without a label."""

    labels: Mapping[str, int]  # photos by predicted label
    bins: Sequence[int]  # photos by the probability of the predicted label, in ``BINS`` bars
    uncertain: int  # how many have a probability below ``UNCERTAIN``
    least_certain: Sequence[Prediction]  # at most ``UNCERTAIN_SHOWN``, the lowest probability first
    of: Mapping[str, str]  # predicted label by path, of the photos that were asked for

    @property
    def photos(self) -> int:
        """How many photos were predicted."""
        return sum(self.labels.values())


def read(output: str, listed: Collection[str], paths: Collection[str]) -> Predicted | None:
    """Return what was predicted by the files that a manifest lists, None if nothing; ``paths``: those wanted in ``of``.

    Results of earlier versions have no ``predictions.csv``, so their reports omit predictions.
    """
    if layout.PREDICTIONS_TABLE not in listed:
        return None
    content = storage.read_bytes(storage.join(output, layout.PREDICTIONS_TABLE))
    # A path may contain a newline, and a label may be called "NA".
    table = pyarrow.csv.read_csv(
        io.BytesIO(content),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=_COLUMNS, include_columns=list(_COLUMNS), strings_can_be_null=False
        ),
    )
    table = of_split(table, PREDICT).drop_columns(["split"])
    if not len(table):
        return None
    probabilities = table["probability"].to_numpy()
    lowest = table.sort_by([("probability", "ascending"), ("path", "ascending")]).slice(0, UNCERTAIN_SHOWN)
    wanted = table.filter(pc.is_in(table["path"], pa.array(sorted(paths), pa.string())))
    return Predicted(
        Counter(table["predicted"].to_pylist()),
        np.histogram(probabilities, BINS, (0, 1))[0].tolist(),
        int((probabilities < UNCERTAIN).sum()),
        [Prediction(**row) for row in lowest.to_pylist()],
        dict(zip(wanted["path"].to_pylist(), wanted["predicted"].to_pylist(), strict=True)),
    )
