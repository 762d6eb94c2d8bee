"""The report's texts and number formats in each language; the texts are in messages.toml."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("en", "fr")

NARROW_SPACE = "\u202f"
"""Between thousands, and before the per cent sign, in French; a line never breaks at it."""


@cache
def texts() -> Mapping[str, Mapping[str, str]]:
    """Return every text by its name, then by its language."""
    return tomllib.loads(files("job.report").joinpath("messages.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Messages:
    """The report's language."""

    language: str  # one of ``LANGUAGES``

    def __call__(self, name: str, /, **values: str) -> str:
        """Return a text with its values filled in."""
        return texts()[name][self.language].format(**values)

    def stage(self, name: str) -> str:
        """Return how a stage is called; one that has no name here is called as the job calls it."""
        return self(f"stage_{name}") if f"stage_{name}" in texts() else name

    def classifier(self, name: str) -> str:
        """Return how a classifier is called; one that has no name here is called as the job calls it."""
        return self(f"classifier_{name}") if f"classifier_{name}" in texts() else name

    def number(self, value: float, digits: int = 0) -> str:
        """Return a number with so many digits after the decimal sign."""
        english = f"{value:,.{digits}f}"
        if self.language == "en":
            return english
        return english.translate({ord(","): NARROW_SPACE, ord("."): ","})

    def share(self, value: float, digits: int = 0) -> str:
        """Return a share of 1 in per cent."""
        return f"{self.number(100 * value, digits)}{'' if self.language == 'en' else NARROW_SPACE}%"

    def locale(self) -> dict[str, Any]:
        """Return the language's number format as Vega wants it (d3-format's locale)."""
        if self.language == "en":
            return {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["$", ""]}
        return {
            "decimal": ",",
            "thousands": NARROW_SPACE,
            "grouping": [3],
            "currency": ["", "\u00a0€"],
            "percent": f"{NARROW_SPACE}%",
        }
