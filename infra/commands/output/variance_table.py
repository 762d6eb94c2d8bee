"""The table of explained variance for any numbers of components: all come from the run's one fit."""

import argparse
import csv
import io
from collections.abc import Sequence

from infra.commands.output.text_table import in_columns
from infra.errors import RunFilesError


def numbers(text: str) -> list[int]:
    """Return the numbers of components in a text like ``100,200,400``.

    Raises
    ------
    argparse.ArgumentTypeError
        If one is no whole number above 0.
    """
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    if not wanted or not all(part.isascii() and part.isdigit() and int(part) > 0 for part in wanted):
        raise argparse.ArgumentTypeError(f"'{text}' is no list of numbers of components, like 100,200,400")
    return [int(part) for part in wanted]


def cumulative_shares(explained_variance: bytes) -> list[float]:
    """Return the share of the variance that the first 1, 2, ... components keep.

    Parameters
    ----------
    explained_variance
        The content of ``pca/explained_variance.csv``.

    Returns
    -------
    list of float
        One value a component of the fit, at least one, 0 to 1.

    Raises
    ------
    RunFilesError
        If it is no such table, or an empty one.
    """
    damaged = RunFilesError("The run's explained_variance.csv is damaged.", "Fetch the results again.")
    try:
        shares = [float(row["cumulative"]) for row in csv.DictReader(io.StringIO(explained_variance.decode()))]
    except (KeyError, TypeError, ValueError) as error:
        raise damaged from error
    if not shares:
        raise damaged
    return shares


def variance_table(shares: Sequence[float], wanted: Sequence[int]) -> list[str]:
    """Return the lines of the table.

    Parameters
    ----------
    shares
        Kept by the first 1, 2, ... components.
    wanted
        Numbers of components; those that the fit does not have are said to be beyond it, below the table.
    """
    there = [number for number in wanted if number <= len(shares)]
    beyond = [number for number in wanted if number > len(shares)]
    rows = [("components", "variance kept"), *((f"{number:,}", f"{shares[number - 1]:.2%}") for number in there)]
    lines = in_columns(rows, text_columns=0) if there else []
    if beyond:
        fit = f"{len(shares):,} component{'s' if len(shares) != 1 else ''}, keeping {shares[-1]:.2%}"
        lines.append(f"The fit has {fit}: there is nothing to say of {', '.join(f'{number:,}' for number in beyond)}.")
    return lines
