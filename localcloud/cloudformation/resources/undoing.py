"""Leaves nothing behind of a resource that was made in several calls, of which a later one failed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def undone_on_failure(undo: Callable[[], object]) -> Iterator[None]:
    """Call ``undo`` if the block fails, and pass its failure on."""
    try:
        yield
    except BaseException:
        undo()
        raise
