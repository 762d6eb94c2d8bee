"""Repeats what a person gave of account and region in the commands that are printed for copying.

A command that is printed stands after a colon, "Fetch them: orchard results first": whoever copies it without the
profile that was given would speak to another account.
"""

import re
import shlex
from dataclasses import dataclass

_OURS = re.compile(r"(?<=: )orchard (?!classify|demo|local)[a-z]+(?! --help)")
"""But for those that do their work on this machine."""

_CDK = re.compile(r"(?:(?<=: )|(?<=, then ))cdk (?:deploy|destroy) \w+")


@dataclass(frozen=True)
class Given:
    """What a person gave of account and region; None where nothing.

    Parameters
    ----------
    profile
        Named profile of the AWS configuration.
    region
        Where the stacks are.
    """

    profile: str | None = None
    region: str | None = None

    def repeated_in(self, text: str) -> str:
        """Return what is told to a person, with these options in each command of ours or of the CDK that it names."""
        text = _OURS.sub(lambda found: found[0] + self._options("--region "), text)
        return _CDK.sub(lambda found: found[0] + self._options("-c region="), text)

    def _options(self, region: str) -> str:
        profile = f" --profile {shlex.quote(self.profile)}" if self.profile else ""
        return f"{profile} {region}{shlex.quote(self.region)}" if self.region else profile
