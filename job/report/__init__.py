"""Write what a run found as one HTML page that loads nothing, and print it in a few lines.

``findings`` and ``checked`` read the results; ``photo_sample``, ``thumbnails`` and ``likeness`` choose and read the
photos shown; ``figures``, ``heat_map`` and ``calibration`` make Vega-Lite figures; ``label_bars``, ``sections`` and
``page`` make HTML; ``making`` does all of it.
``making``, ``command``, ``drawing`` and ``summary`` are public too; the first two need Spark.
"""

from job.report.cost import Cost, with_cost
from job.report.messages import LANGUAGES

__all__ = [
    "LANGUAGES",
    "Cost",
    "with_cost",
]
