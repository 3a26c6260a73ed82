"""What did others publish, how sure is it, and how far from it may a figure of ours be? The files in published/.

A file has for each layer its figures, for each figure its certainty, and a tolerance with its reason where one is held.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

Rules = Mapping[str, Mapping[str, Any]]
"""Figure -> what its errors may be: see tolerance_of."""

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """Errors that are allowed, in percent of what was published: from -high, or from any below if it is one-sided, to
    high."""

    high: float
    reason: str
    one_sided: bool = False

    def allows(self, error_percent: float) -> bool:
        """An error at the limit is within it, however its division was rounded."""
        size = error_percent if self.one_sided else abs(error_percent)
        return size <= self.high + _ROUNDING

    def __str__(self) -> str:
        return f"+{self.high:.1f}" if self.one_sided else f"{self.high:.1f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFigures:
    """One published table or figure.

    certainty  of each figure: `seen` in the authors' own document, `measured` from a drawing, `transcribed` by others
    layers     figures by layer (or network) and key, in the unit that the key or the file says
    notes      sentences that a reader of the comparison must know
    more       the file's other keys: what to run, and how units are counted
    """

    name: str
    source: str
    certainty: Mapping[str, str]
    layers: Mapping[str, Mapping[str, float]]
    tolerances: Rules
    notes: tuple[str, ...]
    more: Mapping[str, Any]


def published_figures(file: str) -> PublishedFigures:
    """One of the files in published/, by name without suffix."""
    text = (files("simulator.report") / "published" / f"{file}.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    fields = {key: content.pop(key) for key in ("name", "source", "certainty", "layers")}
    tolerances, notes = content.pop("tolerances", {}), tuple(content.pop("notes", ()))
    return PublishedFigures(**fields, tolerances=tolerances, notes=notes, more=content)


def tolerance_of(rules: Rules, figure: str, layer: str, published: float) -> Tolerance | None:
    """Of one layer's figure; None if it is not held to what was published.

    layer     percent, either way
    above     percent above what was published; any amount below
    rounding  in the figure's own unit, either way
    except    by layer, a rule in place of the figure's
    """
    rule = rules.get(figure, {})
    rule = rule.get("except", {}).get(layer, rule)
    if "above" in rule:
        return Tolerance(high=rule["above"], one_sided=True, reason=rule["reason"])
    if "rounding" in rule:
        return Tolerance(high=100 * rule["rounding"] / published, reason=rule["reason"])
    return Tolerance(high=rule["layer"], reason=rule["reason"]) if "layer" in rule else None


def mean_tolerance(rules: Rules, figure: str) -> Tolerance | None:
    """Of the mean size of the layers' errors."""
    rule = rules.get(figure, {})
    return Tolerance(high=rule["mean"], reason=rule["reason"]) if "mean" in rule else None
