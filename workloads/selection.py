"""Which layers did a person mean by `--layers`?"""

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from simulator.errors import WorkloadError, suggestion
from simulator.spec.workload import Workload


def with_layers(workload: Workload, words: Sequence[str]) -> Workload:
    """The workload with the layers that any word names, in the network's order.

    Upper and lower case are one; `*`, `?` and `[...]` match as in a shell. A layer's whole name is tried first, since
    exporters put brackets into names. A string is one word. Raises WorkloadError for a word that matches no layer.
    """
    names = [layer.name for layer in workload.layers]
    words = [words] if isinstance(words, str) else words
    chosen = {name for word in words for name in _matches(word, names, workload.name)}
    if not chosen:
        raise WorkloadError(f"{workload.name}: no layers were asked for; name some of {', '.join(names)}")
    return replace(workload, layers=tuple(layer for layer in workload.layers if layer.name in chosen))


def _matches(word: str, names: Sequence[str], network: str) -> list[str]:
    lower = word.lower()
    exact = [name for name in names if name.lower() == lower]
    found = exact or [name for name in names if fnmatchcase(name.lower(), lower)]
    if not found:
        hint = suggestion(word, names, f"its layers: {', '.join(names)}")
        raise WorkloadError(f"{network}: no layer matches {word!r}; {hint}")
    return found
