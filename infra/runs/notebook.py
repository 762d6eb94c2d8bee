"""Turn the project's notebook into one for JupyterHub on the cluster, and write it to JupyterHub's folder."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.aws import Aws, exists, explained
from infra.errors import NotWritableError

SOURCE = Path(__file__).resolve().parent.parent.parent / "notebooks" / "orchard.ipynb"

USER = "jovyan"
"""EMR's JupyterHub has this user, and keeps notebooks in ``jupyter/<user>/`` of the bucket (EMR Release Guide)."""

KERNEL = {"display_name": "PySpark", "language": "python", "name": "pysparkkernel"}
"""EMR's kernel that runs cells on the cluster, through Livy."""

POINTS = 2000
"""Rows that are copied from the cluster to be plotted."""

Notebook = dict[str, Any]


@dataclass(frozen=True)
class Places:
    """S3 URIs in the notebook's first cells."""

    images: str
    output: str
    model: str
    code: tuple[str, ...]


def for_jupyterhub(notebook: Notebook, places: Places) -> Notebook:
    """Return the notebook as the PySpark kernel runs it.

    The settings name the bucket, and the run uses the session's Spark. sparkmagic copies the tables to draw with
    ``%%spark -o``, which takes DataFrames of Spark, and draws the figures in the kernel, with ``%%local``.
    """
    cells = [cell for original in notebook["cells"] for cell in _cells(original, places)]
    numbered = [{**cell, "id": f"cell-{number:02d}"} for number, cell in enumerate(cells)]
    return {**notebook, "cells": numbered, "metadata": {**notebook["metadata"], "kernelspec": KERNEL}}


def read() -> Notebook:
    """Return the project's notebook."""
    content: Notebook = json.loads(SOURCE.read_text(encoding="utf-8"))
    return content


def key(name: str) -> str:
    """Return where JupyterHub finds a notebook, in the data bucket."""
    return f"jupyter/{USER}/{name}.ipynb"


def require_free(aws: Aws, bucket: str, name: str) -> None:
    """Raise NotWritableError if a notebook of this name exists: a user may have worked in it."""
    uri = f"s3://{bucket}/{key(name)}"
    with explained(f"look for the notebook {uri}"):
        taken = exists(aws, bucket, key(name))
    if taken:
        raise NotWritableError(
            f"There already is a notebook {uri}, which may have been edited.",
            "Choose another --name, or replace it with --overwrite.",
        )


def put(aws: Aws, bucket: str, name: str, notebook: Notebook) -> str:
    """Put a notebook where JupyterHub finds it; return its URI."""
    uri = f"s3://{bucket}/{key(name)}"
    with explained(f"write the notebook {uri}"):
        body = json.dumps(notebook, indent=1, ensure_ascii=False).encode()
        aws.s3.put_object(Bucket=bucket, Key=key(name), Body=body)
    return uri


def _cells(cell: dict[str, Any], places: Places) -> list[dict[str, Any]]:
    (tag,) = cell["metadata"].get("tags", [""])
    source = "".join(cell["source"])
    options = {"per_label": 10, "model": places.model, "classifier": "logistic", "holdout": 0.2, "overwrite": True}
    sources = {
        "parameters": [f"IMAGES = {places.images!r}\nOUTPUT = {places.output!r}\nOPTIONS = {options!r}"],
        "sample-photos": [],
        "run": ["\n".join(f"sc.addPyFile({uri!r})" for uri in places.code), source],
        "to-pandas": [_to_kernel("explained", -1), _to_kernel("points", POINTS)],
        "plot": [f"%%local\n%matplotlib inline\n{source}"],
    }
    return [{**cell, "source": lines.splitlines(keepends=True)} for lines in sources.get(tag, [source])]


def _to_kernel(table: str, rows: int) -> str:
    return f"%%spark -o {table} -n {rows}\n{table} = spark.createDataFrame({table}.to_pylist())"
