"""Turn the project's notebook into one for JupyterHub on the cluster, and put it where JupyterHub keeps notebooks."""

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
"""Rows that are brought from the cluster to be drawn."""

Notebook = dict[str, Any]


@dataclass(frozen=True)
class Places:
    """What the notebook's first cells name, as S3 URIs."""

    images: str
    output: str
    model: str
    code: str


def for_jupyterhub(notebook: Notebook, places: Places) -> Notebook:
    """Return the notebook as the PySpark kernel runs it.

    Settings name the bucket, Spark is the session that is there, the tables that are drawn are brought over with
    sparkmagic's ``%%spark -o``, and the figures are drawn where the kernel is, with ``%%local``.

    Parameters
    ----------
    notebook
        In nbformat 4; its code cells carry a tag that says what they do.
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
            f"There is a notebook {uri} already, and somebody may have worked in it.",
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
    options = ["--per-label", "10", "--model", places.model, "--overwrite"]
    sources = {
        "settings": [f"IMAGES = {places.images!r}\nOUTPUT = {places.output!r}\nOPTIONS = {options!r}"],
        "spark": [f"sc.addPyFile({places.code!r})"],
        "to-pandas": ["%%spark -o explained -n -1\n", f"%%spark -o points -n {POINTS}\n"],
        "plot": [f"%%local\n%matplotlib inline\n{source}"],
        # Closing the notebook ends its session.
        "end": [],
    }
    return [{**cell, "source": lines.splitlines(keepends=True)} for lines in sources.get(tag, [source])]
