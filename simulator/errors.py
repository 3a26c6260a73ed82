"""What can go wrong because of what a person gave us. Anything else is a bug and keeps its traceback.

Every message reads *where: what is wrong, the value; what would do*, and is part of the interface: tests match it.
A message about a name that is none ends in `suggestion`, one about a missing file in `nearby_file`.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from difflib import SequenceMatcher, get_close_matches
from pathlib import Path


class PicojouleError(Exception):
    """Base of every error that the command line shows as one message, with exit code 2."""


class SpecError(PicojouleError):
    """An accelerator, layer or options file that does not describe something we can simulate."""


class MappingError(PicojouleError):
    """A mapping that does not fit its layer or its accelerator, or a layer that no mapping fits."""


class WorkloadError(PicojouleError):
    """A network, trace, image file or tensor that cannot be used."""


class OutputError(PicojouleError):
    """A file or folder that results cannot be written to."""


class WorkerError(PicojouleError):
    """A worker process that ended before its work did."""


class ConservationError(PicojouleError):
    """The simulation lost or invented words or MACs. Always a bug in picojoule; never caught inside it."""


class PruningError(PicojouleError):
    """Weights, activations or a request that a network or a layer cannot be pruned with."""


def near_miss(word: str, names: Iterable[str]) -> str | None:
    """The name that was most likely meant, upper and lower case as one; None if none is close, or several equally."""
    by_lower = {name.lower(): name for name in names}
    lower = word.lower()
    near = get_close_matches(lower, by_lower, n=2)
    if not near or (len(near) > 1 and _likeness(near[0], lower) == _likeness(near[1], lower)):
        return None
    return by_lower[near[0]]


def suggestion(words: str | Sequence[str], names: Iterable[str], otherwise: str) -> str:
    """`did you mean 'alexnet'?`, or for several words one such name each; `otherwise` unless each has one."""
    known = tuple(names)
    near = [near_miss(word, known) for word in ([words] if isinstance(words, str) else words)]
    meant = list(dict.fromkeys(repr(name) for name in near if name is not None))
    return f"did you mean {' and '.join(meant)}?" if meant and None not in near else otherwise


def nearby_file(path: Path, otherwise: str) -> str:
    """`did you mean 'folder/model.onnx'?` of files with the suffix and in the folder of one that is not there; else
    `otherwise`.
    """
    stems: list[str] = []
    with suppress(OSError):
        if not path.exists():
            stems = [entry.stem for entry in path.parent.iterdir() if entry.suffix == path.suffix]
    near = near_miss(path.stem, stems)
    return otherwise if near is None else f"did you mean {str(path.with_stem(near))!r}?"


def _likeness(name: str, word: str) -> float:
    return SequenceMatcher(a=name, b=word).ratio()
