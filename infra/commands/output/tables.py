"""Format tables: of any rows, and of explained variance."""

import argparse
import csv
import io
from collections.abc import Sequence

from infra.errors import RunFilesError


def in_columns(rows: Sequence[Sequence[str]], text_columns: int = 1) -> list[str]:
    """Return rows as lines of equal columns, two spaces apart.

    Parameters
    ----------
    rows
        Cells, as many in each row; may be empty.
    text_columns
        Number of columns from the left with text, aligned to the left; the others have numbers.
    """
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if number < text_columns else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return [line.rstrip() for line in lines]


def component_counts(text: str) -> list[int]:
    """Return the numbers of components in a text like ``100,200,400``."""
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    if not wanted or not all(part.isascii() and part.isdigit() and int(part) > 0 for part in wanted):
        raise argparse.ArgumentTypeError(f"must be numbers of components like 100,200,400, got '{text}'")
    return [int(part) for part in wanted]


def cumulative_shares(explained_variance: bytes) -> list[float]:
    """Return the share of the variance, 0 to 1, that the first 1, 2, ... components keep; at least one value."""
    damaged = RunFilesError("The run's explained_variance.csv is damaged.", "Fetch the results again with --overwrite.")
    try:
        shares = [float(row["cumulative"]) for row in csv.DictReader(io.StringIO(explained_variance.decode()))]
    except (KeyError, TypeError, ValueError) as error:
        raise damaged from error
    if not shares:
        raise damaged
    return shares


def variance_table(shares: Sequence[float], wanted: Sequence[int]) -> list[str]:
    """Return a table of the variance that numbers of components keep; the last line lists those beyond the fit."""
    there = [number for number in wanted if number <= len(shares)]
    beyond = [number for number in wanted if number > len(shares)]
    rows = [("components", "variance kept"), *((f"{number:,}", f"{shares[number - 1]:.2%}") for number in there)]
    lines = in_columns(rows, text_columns=0) if there else []
    if beyond:
        fit = f"{len(shares):,} component{'s' if len(shares) != 1 else ''}, keeping {shares[-1]:.2%}"
        lines.append(f"The fit has only {fit}; not shown: {', '.join(f'{number:,}' for number in beyond)}.")
    return lines
