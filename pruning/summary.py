"""What a pruning run found, in words: before and after, layer by layer, and why energy did not fall further."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pruning.loop import PruningStep
from pruning.onnx_network import OnnxNetwork
from pruning.rounds import Limits
from simulator.report.text_table import Column, number_column, render, wrapped
from simulator.results import LayerResult, NetworkResult
from simulator.spec.accelerator import Accelerator, Gate

_MILLION = 1e6
_LEVELS = ("mac", "spad", "noc", "glb", "dram", "total")
_MUCH = 0.5
"""A tensor that takes more than this share of what is left is why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """A whole run. before and after are simulations of the same images; `images` says how many were used for what."""

    model: str
    steps: tuple[PruningStep[OnnxNetwork], ...]
    answer: PruningStep[OnnxNetwork]
    limits: Limits
    before: NetworkResult
    after: NetworkResult
    accelerator: Accelerator
    images: Mapping[str, int]

    @property
    def saved(self) -> float:
        """Share of the network's energy."""
        return 1 - _energy(self.after) / _energy(self.before)

    @property
    def ended_by(self) -> str:
        """Which limit was met first."""
        if self.limits.target_energy and self.answer.total_energy <= self.limits.target_energy:
            return "the energy asked for is reached"
        return "a further round could remove nothing without going below the accuracy asked for"

    @property
    def prediction_error(self) -> float:
        """The largest over the accepted steps of |predicted - simulated saving|, a share of the original energy."""
        first = self.steps[0]
        return max(
            (
                abs(_saving(first.predicted, step.predicted) - _saving(first.energy, step.energy)) / first.total_energy
                for step in self.steps
                if step.is_accepted and step.predicted and first.predicted
            ),
            default=0.0,
        )

    def layer_rows(self) -> list[dict[str, Any]]:
        """One dict a layer: weights that are not zero, non-zero MACs, total cycles and energy, before and after."""
        kept, first = self.answer.kept, self.steps[0].kept
        rows = []
        for before, after in zip(self.before.layers, self.after.layers, strict=True):
            name = before.layer.name
            rows.append(
                {"layer": name, "weights_before": first[name], "weights_after": kept[name], **_pair(before, after)}
            )
        return rows

    def to_dict(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "arch": self.before.arch,
            "images": dict(self.images),
            "energy_unit": self.accelerator.energy.unit,
            "accuracy": {
                "before": self.steps[0].accuracy,
                "after": self.answer.accuracy,
                "limit": self.limits.min_accuracy,
            },
            "energy": {"before": self.before.total()["energy"], "after": self.after.total()["energy"]},
            "saved": self.saved,
            "ended_by": self.ended_by,
            "prediction_error": self.prediction_error,
            "layers": self.layer_rows(),
            "why": list(reasons(self)),
        }


def pruning_text(pruning: Pruning, width: int | None = None) -> str:
    """What `picojoule prune` prints at its end."""
    tables = (
        render(_layer_columns(pruning), totals=1, width=width),
        render(_level_columns(pruning), totals=1, width=width),
    )
    why = "".join(f"why: {reason}\n" for reason in reasons(pruning))
    return "\n".join((wrapped(_above(pruning), width), *tables, wrapped(why + _below(pruning), width)))


def reasons(pruning: Pruning) -> Iterator[str]:
    """Why energy did not fall further, from the machine and from what is left."""
    machine, arch = pruning.accelerator, pruning.before.arch
    if machine.gating.mac in (Gate.NEVER, Gate.ZERO_IFMAP) and not machine.compression.filter:
        yield (
            f"on {arch} a zero weight stops no MAC and moves like any other word: only zeros that it brings about in "
            "feature maps save energy"
        )
    macs = [sum(each.layer.macs for each in result.layers) for result in (pruning.before, pruning.after)]
    if macs[1] < macs[0]:
        yield (
            f"channels that were taken out leave {100 * macs[1] / macs[0]:.1f} % of the MACs, zero or not: what they "
            "took is saved on any accelerator, cycles too"
        )
    before, after = (result.total()["total_cycles"] for result in (pruning.before, pruning.after))
    yield (
        f"total cycles fall by {100 * (1 - after / before):.1f} %, energy by {100 * pruning.saved:.1f} %: "
        "a MAC that is gated or skipped saves its energy, not its cycle"
    )
    left = sorted(pruning.after.layers, key=lambda layer: -layer.energy.total)[:3]
    for layer in left:
        by_tensor = layer.energy.by_tensor()
        tensor = max(by_tensor, key=lambda name: by_tensor[name])
        share = by_tensor[tensor] / layer.energy.total
        maps = (by_tensor["ifmap"] + by_tensor["psum"]) / layer.energy.total
        if maps > _MUCH:
            yield (
                f"{layer.layer.name}: {100 * maps:.0f} % of what is left is feature maps (ifmaps and psums), most of "
                f"it {tensor} ({100 * share:.0f} %), which pruned weights move less of only where MACs are skipped"
            )


def _above(pruning: Pruning) -> str:
    first, last = pruning.steps[0], pruning.answer
    judged = pruning.images["accuracy"]
    return (
        f"{pruning.model} on {pruning.before.arch}, batch {pruning.before.batch}: pruned; energy and cycles simulated\n"
        f"accuracy {100 * first.accuracy:.2f} % before, {100 * last.accuracy:.2f} % after, on {judged} images; "
        "at least "
        f"{100 * pruning.limits.min_accuracy:.2f} % was asked for. Layers were refitted on "
        f"{pruning.images['calibration']} others, energy is of {pruning.images['energy']} others\n"
        f"ended: {pruning.ended_by}\n"
    )


def _below(pruning: Pruning) -> str:
    return (
        f"energy saved: {100 * pruning.saved:.1f} %; predicted in closed form, each step's saving is within "
        f"{100 * pruning.prediction_error:.2f} % of the original energy of the simulated one\n"
        "energy = counts x table: `picojoule explain pruned.onnx LAYER` shows the sum of any layer\n"
    )


def _layer_columns(pruning: Pruning) -> list[Column]:
    rows = pruning.layer_rows()
    total = {key: sum(row[key] for row in rows) for key in rows[0] if key != "layer"}
    rows = [*rows, {"layer": "total", **total}]
    whole = (total["energy_before"], total["energy_before"] - total["energy_after"])

    def column(heading: tuple[str, ...], values: Sequence[float], decimals: int | None = None) -> Column:
        return number_column(heading, values, decimals=decimals)

    def share_of(part: float, of: float) -> float:
        return 100 * part / of if of else 0.0

    return [
        Column(heading=("layer",), cells=tuple(row["layer"] for row in rows), is_text=True),
        column(("weights", "before", "[k]"), [row["weights_before"] / 1e3 for row in rows], 1),
        column(("weights", "after", "[k]"), [row["weights_after"] / 1e3 for row in rows], 1),
        column(("left", "", "[%]"), [share_of(row["weights_after"], row["weights_before"]) for row in rows], 1),
        column(("non-zero MACs", "before", "[M]"), [row["nonzero_macs_before"] / _MILLION for row in rows]),
        column(("non-zero MACs", "after", "[M]"), [row["nonzero_macs_after"] / _MILLION for row in rows]),
        column(("total cycles", "before", "[k]"), [row["total_cycles_before"] / 1e3 for row in rows], 0),
        column(("total cycles", "after", "[k]"), [row["total_cycles_after"] / 1e3 for row in rows], 0),
        column(("energy", "before", "[M]"), [row["energy_before"] / _MILLION for row in rows]),
        column(("energy", "after", "[M]"), [row["energy_after"] / _MILLION for row in rows]),
        column(("saved", "", "[%]"), [100 - share_of(row["energy_after"], row["energy_before"]) for row in rows], 1),
        column(("share of", "network", "[%]"), [share_of(row["energy_before"], whole[0]) for row in rows], 1),
        column(
            ("share of", "saving", "[%]"),
            [share_of(row["energy_before"] - row["energy_after"], whole[1]) for row in rows],
            1,
        ),
    ]


def _level_columns(pruning: Pruning) -> list[Column]:
    before, after = (result.total()["energy"] for result in (pruning.before, pruning.after))
    return [
        Column(heading=("level", "(simulated)"), cells=_LEVELS, is_text=True),
        number_column(("energy", "before [M]"), [before[level] / _MILLION for level in _LEVELS]),
        number_column(("energy", "after [M]"), [after[level] / _MILLION for level in _LEVELS]),
        number_column(
            ("saved", "[%]"),
            [100 * (1 - after[level] / before[level]) if before[level] else 0.0 for level in _LEVELS],
            decimals=1,
        ),
    ]


def _pair(before: LayerResult, after: LayerResult) -> dict[str, float]:
    return {
        "nonzero_macs_before": before.counts.nonzero_macs,
        "nonzero_macs_after": after.counts.nonzero_macs,
        "total_cycles_before": before.total_cycles,
        "total_cycles_after": after.total_cycles,
        "energy_before": before.energy.total,
        "energy_after": after.energy.total,
    }


def _energy(result: NetworkResult) -> float:
    return float(result.total()["energy"]["total"])


def _saving(first: Mapping[str, float] | None, last: Mapping[str, float] | None) -> float:
    return sum((first or {}).values()) - sum((last or {}).values())
