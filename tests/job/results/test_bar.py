"""Tests of job/results/bar.py."""

import io

from job.results.bar import progress_bar


class Terminal(io.StringIO):
    """A text stream that is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def test_draws_name_done_and_total_in_a_terminal() -> None:
    terminal = Terminal()

    with progress_bar(terminal, 40, "photos", "features", 38) as bar:
        bar.update(2)

    assert "features: 100%" in terminal.getvalue()
    assert "40/40" in terminal.getvalue()


def test_draws_nothing_outside_a_terminal() -> None:
    stream = io.StringIO()

    with progress_bar(stream, 2, "photos") as bar:
        bar.update(2)

    assert stream.getvalue() == ""


def test_bar_that_does_not_stay_is_cleared() -> None:
    terminal = Terminal()

    with progress_bar(terminal, 2, "files", stays=False) as bar:
        bar.update(2)

    assert terminal.getvalue().endswith("\r")
