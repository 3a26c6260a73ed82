"""From argv to an exit code: `python -m picojoule` and the `picojoule` script.

Every mistake of a person ends here as one message on stderr and exit code 2. What each command does is in app.py.
"""

import errno
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cyclopts import CycloptsError

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
EXIT_CLOSED_PIPE = 141

_CANNOT_WRITE = (errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC)
"""What the system says of a stdout that takes no more; any other OSError would be a bug of ours."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; argv without the program's name."""
    _prepare_streams()
    try:
        return _run(sys.argv[1:] if argv is None else list(argv))
    except KeyboardInterrupt:
        return _fail("interrupted", EXIT_INTERRUPTED)
    except (BrokenPipeError, SystemExit):  # rich, which prints --help, makes SystemExit of a closed pipe
        _discard_stdout()
        return EXIT_CLOSED_PIPE
    except OSError as error:
        if error.errno not in _CANNOT_WRITE:
            raise
        _discard_stdout()
        return _fail(f"output cannot be written: {error.strerror}", EXIT_BAD_INPUT)


def _run(argv: list[str]) -> int:
    # Imported here: the guard comes first, and Ctrl-C is one line even while modules load.
    from picojoule.installation import intruders

    found = intruders()
    if found:
        return _fail("\n".join(found), EXIT_BAD_INPUT)
    return _run_command(argv)


def _run_command(argv: list[str]) -> int:
    from cyclopts import CycloptsError

    from picojoule.app import app
    from simulator.errors import ConservationError, PicojouleError

    try:
        code: int | None = app(argv)
        sys.stdout.flush()  # a closed pipe or a full disk must show here, not at interpreter exit
    except CycloptsError as error:
        return _fail(f"{_parse_fault(error)}\n{_help_hint(argv)}", EXIT_BAD_INPUT)
    except ConservationError:
        raise
    except PicojouleError as error:
        return _fail(str(error), EXIT_BAD_INPUT)
    except MemoryError as error:
        return _fail(f"not enough memory ({str(error) or 'none left'}); lower --batch or --jobs", EXIT_BAD_INPUT)
    return code or 0


def _fail(message: str, code: int) -> int:
    with suppress(BrokenPipeError):
        print(f"picojoule: {message}", file=sys.stderr, flush=True)
    return code


def _parse_fault(error: "CycloptsError") -> str:
    from cyclopts import UnusedCliTokensError

    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        return f"unexpected argument {error.unused_tokens[0]!r}"
    return " ".join(str(error).split())


def _help_hint(argv: list[str]) -> str:
    from picojoule.app import command_of

    return f"`{' '.join(['picojoule', *command_of(argv), '--help'])}` shows what can be given"


def _prepare_streams() -> None:
    """A stream that the shell closed takes everything; a name outside the terminal's encoding is escaped."""
    sys.stdout, sys.stderr = (stream or Path(os.devnull).open("w") for stream in (sys.stdout, sys.stderr))  # noqa: SIM115 - for the whole process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _discard_stdout() -> None:
    """So that the interpreter's own flush at exit does not meet the closed pipe again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
