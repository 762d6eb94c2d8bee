# PYTHON_ARGCOMPLETE_OK
"""``orchard``: execute the command of a command line, and report every failure with an exit code.

The commands are imported in ``main``: that takes a second, in which Ctrl-C must not print a traceback.
"""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from infra.errors import InterruptedCommandError
from job.errors import OrchardError, started_as, tell
from job.spark import own_process

if TYPE_CHECKING:
    from infra.context import Context


def main(argv: Sequence[str] | None = None, context: "Context | None" = None) -> int:
    """Execute one command; return its exit code.

    Parameters
    ----------
    argv
        The arguments; None means ``sys.argv``.
    context
        What the command works with; None means this process's environment and terminal.
    """
    if argv is None:
        own_process.begin()
        argv = sys.argv[1:]
    try:
        return _execute(argv, context)
    except OrchardError as error:
        return tell(error, argv)
    except KeyboardInterrupt:
        return tell(InterruptedCommandError("Interrupted.", "Rerun the command to continue."), argv)


def _execute(argv: Sequence[str], context: "Context | None") -> int:
    from infra import commandline, invocation  # noqa: PLC0415 - see above
    from infra.aws import as_orchard_error  # noqa: PLC0415

    given = commandline.parse(argv)
    if given.command is None:
        commandline.parser().print_help()
        return 0
    with invocation.given(given.profile, given.region), started_as("orchard"):
        try:
            return int(given.command.execute(given, context or commandline.context_of(given)))
        except OrchardError:
            raise
        except Exception as error:
            raise as_orchard_error(error, f"finish orchard {given.command.name}") from error


if __name__ == "__main__":
    sys.exit(main())
