"""The report: what a run found, as one HTML page that opens anywhere and loads nothing.

The way of the data: ``findings`` reads a results folder, ``photo_sample`` draws the photos that are shown,
``thumbnails`` reads those again, ``figures`` turns findings into Vega-Lite, ``page`` into HTML, and ``making`` does all
of it and writes the file.
"""
