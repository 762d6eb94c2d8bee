"""Lays rows out in columns: text to the left, numbers to the right."""

from collections.abc import Sequence


def in_columns(rows: Sequence[Sequence[str]], text_columns: int = 1) -> list[str]:
    """Return rows as lines of equal columns, two spaces apart.

    Parameters
    ----------
    rows
        Cells, as many in each row.
    text_columns
        How many columns from the left hold text; the others hold numbers.
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
