"""Tables in documents that tests make: a test fails when the committed table is not what it saw.

``make tables`` runs those tests and writes what they see.
"""

import os
from collections.abc import Sequence
from pathlib import Path

DOCUMENTS = Path(__file__).resolve().parent.parent / "docs"
WRITE = "ORCHARD_WRITE_TABLES"
"""Set to anything, tables are written instead of compared."""


def require_table(document: str, name: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Check that a document holds a table, between two comments that name it; write it there if that is asked for.

    Parameters
    ----------
    document
        Its name below ``docs/``.
    name
        Of the table.
    heads, rows
        Texts of its cells; a ``|`` in them is escaped.
    """
    path = DOCUMENTS / document
    text = path.read_text()
    start, end = f"<!-- table: {name} (made by tests: make tables) -->\n", f"<!-- end of table: {name} -->"
    before, found, rest = text.partition(start)
    committed, found_end, after = rest.partition(end)
    assert "" not in (found, found_end), f"{document} has no place for the table '{name}'"
    made = "\n".join(_line(cells) for cells in (heads, ["---"] * len(heads), *rows)) + "\n"
    if os.environ.get(WRITE):
        path.write_text(before + start + made + end + after)
    else:
        assert committed == made, f"the table '{name}' of {document} is not what was seen; make tables writes it anew"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
