"""What do runs side by side say? Sentences, each computed from the figures that it names.

Different networks are held against one another under the same conditions only (machine, batch, method, energy table);
the same network between conditions. Where fewer weights, or fewer MACs, go with more energy, the difference is told by
level and by tensor.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations
from math import floor, log10

from simulator.report.run_reader import LEVELS, TENSORS, ComparedRun

_ONE_MAC = "one 16-bit MAC"
_MILLION = 1e6
_SHOWN = {"mac": "MAC", "noc": "NoC", "glb": "GLB", "dram": "DRAM"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """Two runs of which one takes more energy an image; the other takes some."""

    more: ComparedRun
    less: ComparedRun

    @property
    def ratio(self) -> float:
        return self.more.energy / self.less.energy

    @property
    def weights_ratio(self) -> float:
        return self.more.weights / self.less.weights

    @property
    def macs_ratio(self) -> float:
        return self.more.an_image("macs") / self.less.an_image("macs")

    def difference(self) -> str:
        """In energy, by level and by tensor, each led by the part with the largest."""
        energy = self.more.energy - self.less.energy
        levels, tensors = self._parts("energy", LEVELS), self._parts("energy_by_tensor", TENSORS)
        amount = f"{_millions(energy, energy, '+')} {millions_of(self.less.energy_unit)}"
        return f"the difference, {amount} an image, is by level {levels}, and by tensor {tensors}"

    def _parts(self, kind: str, parts: Sequence[str]) -> str:
        """Largest first; without those that would read 0."""
        found = {part: self.more.an_image(f"{kind}.{part}") - self.less.an_image(f"{kind}.{part}") for part in parts}
        energy = self.more.energy - self.less.energy
        texts = {part: _millions(found[part], energy, "+") for part in sorted(parts, key=lambda part: -found[part])}
        return ", ".join(f"{shown(part)} {text}" for part, text in texts.items() if text.strip("+-0."))


def millions_of(unit: str) -> str:
    """How energies are headed: in millions of the table's unit."""
    return "M MAC" if unit == _ONE_MAC else f"M {unit}"


def shown(part: str) -> str:
    """A level or tensor as people write it."""
    return _SHOWN.get(part, part)


def verdict(runs: Sequence[ComparedRun]) -> tuple[str, ...]:
    """Sentences on energy an image: of networks under each set of conditions, then of each network between them."""
    groups = [group for group in _groups(runs) if len(group) > 1]
    of_networks = [sentence for group in groups for sentence in _of_networks(group)]
    networks = dict.fromkeys(run.network for run in runs)
    alike = [[run for run in runs if run.network == network] for network in networks]
    return (*of_networks, *(sentence for same in alike if len(same) > 1 for sentence in _of_conditions(same)))


def _groups(runs: Sequence[ComparedRun]) -> list[list[ComparedRun]]:
    """Runs under the same conditions, the first of each network."""
    found: dict[object, dict[str, ComparedRun]] = {}
    for run in runs:
        found.setdefault(run.conditions, {}).setdefault(run.network, run)
    return [list(group.values()) for group in found.values()]


def _of_networks(group: Sequence[ComparedRun]) -> Iterator[str]:
    first = group[0]
    where = f"{first.arch}, batch {first.batch} ({first.method})"
    pairs = [_Pair(more=a, less=b) for a, b in permutations(group, 2) if a.energy > b.energy > 0]
    by_weights = [pair for pair in pairs if pair.weights_ratio < 1]
    by_macs = [pair for pair in pairs if pair.macs_ratio < 1]
    named = [replace(run, label=run.network) for run in group]
    yield f"{where}: {_extremes(named, tells_why=not by_weights and not by_macs)}"
    yield from (f"{where}: {sentence}" for sentence in _depth(group))
    if by_weights:
        yield f"{where}: fewer weights, more energy: {_contrary(by_weights, 'weights')}"
    if by_macs:
        yield f"{where}: fewer MACs, more energy: {_contrary(by_macs, 'MACs')}"


def _of_conditions(runs: Sequence[ComparedRun]) -> Iterator[str]:
    """The same network in several runs, in the layers that all of them have."""
    names = [{layer.name for layer in run.layers} for run in runs]
    shared = set.intersection(*names)
    if shared:
        kept = [replace(run, layers=tuple(layer for layer in run.layers if layer.name in shared)) for run in runs]
        only = "" if shared == set.union(*names) else f", over {_count(len(shared), 'layer')} that all have"
        yield f"{runs[0].network} in {len(runs)} runs{only}: {_extremes(kept, tells_why=True)}"


def _extremes(runs: Sequence[ComparedRun], *, tells_why: bool) -> str:
    least, most = min(runs, key=lambda run: run.energy), max(runs, key=lambda run: run.energy)
    if least.energy == most.energy:
        return f"all take the same energy, {_energy(least)}"
    if not least.energy:
        return f"least energy: {least.label}, none; most: {most.label}, {_energy(most)}"
    pair = _Pair(more=most, less=least)
    text = f"least energy: {least.label}, {_energy(least)}; most: {most.label}, {_times(pair.ratio)} as much"
    return f"{text}: {pair.difference()}" if tells_why else text


def _depth(group: Sequence[ComparedRun]) -> Iterator[str]:
    """A shallow network with more weights, or a deeper one with fewer? Depth is CONV and FC layers."""
    ordered = sorted(group, key=lambda run: len(run.layers))
    pairs = [(a, b) for a, b in combinations(ordered, 2) if len(a.layers) < len(b.layers) and a.weights > b.weights]
    deeper = [f"{deep.network} than {shallow.network}" for shallow, deep in pairs if deep.energy < shallow.energy]
    shallower = [f"{shallow.network} than {deep.network}" for shallow, deep in pairs if shallow.energy < deep.energy]
    if pairs:
        yield (
            f"of {_count(len(pairs), 'pair')} of a shallower network with more weights and a deeper one with fewer, "
            f"the deeper takes less energy in {_listed(deeper)}, the shallower in {_listed(shallower)}"
        )


def _contrary(pairs: Sequence[_Pair], figure: str) -> str:
    """The pair in which energy and the figure disagree most, with the difference; then the others."""
    share = {id(pair): pair.weights_ratio if figure == "weights" else pair.macs_ratio for pair in pairs}
    first, *others = sorted(pairs, key=lambda pair: share[id(pair)] / pair.ratio)
    also = "".join(f"; also {_beside(pair, share[id(pair)], figure)}" for pair in others)
    return f"{_beside(first, share[id(first)], figure)}: {first.difference()}{also}"


def _beside(pair: _Pair, share: float, figure: str) -> str:
    names = pair.more.network, pair.less.network
    return f"{names[0]} with {_times(share)} the {figure} of {names[1]} takes {_times(pair.ratio)} its energy"


def _listed(names: Sequence[str]) -> str:
    return f"{len(names)} ({', '.join(names)})" if names else "none"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _energy(run: ComparedRun) -> str:
    return f"{_millions(run.energy, run.energy)} {millions_of(run.energy_unit)} an image"


def _millions(energy: float, largest: float, sign: str = "") -> str:
    """With the decimals that give the largest of its sentence four digits."""
    size = abs(largest) / _MILLION
    decimals = min(max(0, 3 - floor(log10(size))), 9) if size else 0
    return f"{energy / _MILLION:{sign},.{decimals}f}"


def _times(ratio: float) -> str:
    """Three digits; the whole number where it has more."""
    return f"{ratio:.3g} x" if ratio < 999.5 else f"{ratio:,.0f} x"
