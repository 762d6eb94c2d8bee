"""Write what a run found as one HTML page that loads nothing.

``findings`` and ``checked`` read the results, ``photo_sample`` and ``thumbnails`` choose and read the photos shown,
``figures`` and ``heat_map`` make Vega-Lite figures, ``sections`` and ``page`` make HTML, and ``making`` does all of it.
``making``, ``command`` and ``drawing`` are public too; the first two need Spark.
"""

from job.report.cost import Cost, with_cost
from job.report.messages import LANGUAGES

__all__ = [
    "LANGUAGES",
    "Cost",
    "with_cost",
]
