"""The Python API, for notebooks and scripts: run the job in this process and read its results.

    run = orchard.run(images="photos/", name="first", classifier="logistic", holdout=0.2)
    second = orchard.predict(results="first", images="new-photos/", name="second")

Keyword arguments are the options of ``python -m job``, with ``_`` for ``-``; a flag takes True or False.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from job import arguments, pipeline, run_names, storage
from job import predict as prediction
from job.errors import (
    OrchardError,
    ResultsIncompleteError,
    ResultsUnusableError,
    UsageError,
    did_you_mean,
    one_line,
)
from job.options import predict_parser, run_parser
from job.results import layout

__all__ = ["OrchardError", "Results", "load_results", "predict", "run"]
Place = str | Path
Option = Place | float | Sequence[str] | None  # None leaves an option out; only labels takes several values


class Results:
    """Results of a finished run: tables and dicts, each read on first use. docs/results.md describes the columns."""

    def __init__(self, path: str) -> None:
        self.path = storage.absolute_uri(path)
        self.manifest: dict[str, Any] = layout.read_manifest(self.path)

    @cached_property
    def features(self) -> pa.Table:
        """Path, label, split and features (a list of float32) of every used photo."""
        return pa.concat_tables(self._read(f"{layout.FEATURES}/", pq.read_table))

    @cached_property
    def components(self) -> pa.Table:
        """Path, label, split and kept components (a list of float32), a row for each row of ``features``."""
        return pa.concat_tables(self._read(f"{layout.COMPONENTS}/", pq.read_table))

    @cached_property
    def explained_variance(self) -> pa.Table:
        """Variance, ratio and cumulative ratio (float64) of every component, kept or not."""
        return self._read(layout.EXPLAINED_VARIANCE, pyarrow.csv.read_csv)[0]

    @cached_property
    def predictions(self) -> pa.Table:
        """Predicted label and probabilities (in the order of ``metrics["labels"]``) of the photos not trained on."""
        return pa.concat_tables(self._read(f"{layout.PREDICTIONS}/", pq.read_table))

    @cached_property
    def objects(self) -> pa.Table:
        """Box and label of each object, of a prediction with ``multiple=True``."""
        return pa.concat_tables(self._read(layout.OBJECTS, pq.read_table))

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """Accuracy, macro-F1 and scores by label of the classifier on the test photos."""
        return dict(self._read(layout.METRICS, json.load)[0])

    def _read(self, start: str, parse: Callable[[pa.NativeFile], Any]) -> list[Any]:
        names = [name for name in layout.listed_files(self.manifest) if name.startswith(start)]
        if not names:
            raise ResultsUnusableError(f"'{self.path}' has no {start}.", "docs/results.md says which runs write it.")
        try:
            return [parse(pa.BufferReader(storage.read_bytes(storage.join(self.path, name)))) for name in names]
        except (OSError, ValueError) as error:
            message = f"'{self.path}' is incomplete: {one_line(error)}."
            raise ResultsIncompleteError(message, "Fetch it again, or run it again.") from error


def run(*, name: str | None = None, output: Place | None = None, **options: Option) -> Results:
    """Run the job to its end; return its results, written to ``output`` (default: ``results/NAME``)."""
    if options.get("vocabulary"):
        options["vocabulary"] = _named(str(options["vocabulary"]))
    given = arguments.parse([*_argv(run_parser(), output=_output(name, output), **options)])
    pipeline.run(given)
    return Results(given.output)


def predict(*, results: Place, name: str | None = None, output: Place | None = None, **options: Option) -> Results:
    """Apply fitted results, named as for ``load_results``, to other photos; return the results of that."""
    keywords = {"results": load_results(results).path, "output": _output(name, output), **options}
    given = arguments.parse_predict([*_argv(predict_parser(), **keywords)])
    prediction.run(given, dict(os.environ))
    return Results(given.output)


def load_results(results: Place) -> Results:
    """Return the results of a finished run, by name (a folder in ``results/``), path or URI."""
    return Results(_named(results))


def _named(results: Place) -> str:
    """Return the folder of results that are named by a run; a path or URI unchanged."""
    folder = Path(run_names.folder(str(results)))
    return str(folder if (folder / layout.MANIFEST).is_file() else results)


def _output(name: str | None, output: Place | None) -> Place:
    if name is not None and output is not None:
        raise UsageError("name and output cannot be combined, got both.", "Leave out one of the two.")
    if name is not None and not run_names.is_valid(name):
        hint = f"For instance: name={run_names.nearest(name, 'first')!r}"
        raise UsageError(f"name must be {run_names.RULE}, got {name!r}.", hint)
    return output if output is not None else run_names.folder(name or run_names.default())


def _argv(parser: argparse.ArgumentParser, **keywords: Option) -> Iterator[str]:
    """Yield keyword arguments as argv, so that the job's parser checks them too."""
    names = [name for action in parser._actions for name in action.option_strings if name.startswith("--")]
    known = {name[2:].replace("-", "_"): name for name in names if name != "--help"}
    for keyword, value in keywords.items():
        if keyword not in known:
            near = did_you_mean(keyword, known) or f"Use one of {', '.join(known)}."
            raise UsageError(f"Unknown keyword argument '{keyword}'.", near.strip())
        if keyword == "labels" and isinstance(value, list | tuple):
            yield from ('--labels="{}"'.format(label.replace('"', '""')) for label in value)
        elif value is False:
            yield from [known[f"no_{keyword}"]] if f"no_{keyword}" in known else []
        elif value is not None:
            yield known[keyword] if value is True else f"{known[keyword]}={value}"


if __name__ == "__main__":
    # `python -m orchard` is the command `orchard`. Imported here: the API works where only the job is installed.
    from infra.cli import main

    sys.exit(main())
