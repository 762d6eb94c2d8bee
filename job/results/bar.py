"""Draw the progress bar of the job and of ``orchard``'s commands."""

import shutil
from typing import Any, TextIO

from tqdm import tqdm

DEFAULT_COLUMNS = 80


def progress_bar(
    terminal: TextIO, total: int, unit: str, name: str = "", done: int = 0, *, stays: bool = True
) -> "tqdm[Any]":
    """Return a bar that is drawn only if ``terminal`` is one.

    Parameters
    ----------
    total
        How many there are.
    unit
        What is counted, in the plural.
    name
        Printed before the bar.
    done
        How many were done before; they do not count in the rate.
    stays
        Whether the bar remains in the terminal when it is closed.
    """
    # No monitor thread: the bar is updated often enough.
    tqdm.monitor_interval = 0
    knows_its_width = shutil.get_terminal_size((0, 0)).columns > 0
    return tqdm(
        total=total,
        initial=done,
        desc=name or None,
        unit=f" {unit}",
        file=terminal,
        disable=not terminal.isatty(),
        dynamic_ncols=knows_its_width,
        ncols=None if knows_its_width else DEFAULT_COLUMNS,
        leave=stays,
    )
