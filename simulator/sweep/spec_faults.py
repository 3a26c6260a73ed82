"""What is wrong with a sweep that is well-formed: fields that no accelerator has, values that no machine can take."""

from collections.abc import Iterator

from simulator.errors import PicojouleError, suggestion
from simulator.sweep.evaluate import opened
from simulator.sweep.machine_fields import machine_fields, value_fault
from simulator.sweep.points import PointMaker, count_of_points
from simulator.sweep.spec_file import CHOICES, LARGEST_SWEEP, SweepSpec

_KINDS = ("grid", "points", "search")


def faults_of(spec: SweepSpec) -> Iterator[str]:
    """One line each. What may be right for one machine and wrong for another is no fault: such a point fails alone."""
    kinds = [kind for kind in _KINDS if getattr(spec.file, kind) is not None]
    if len(kinds) != 1:
        yield f"which points: {' and '.join(kinds) or 'nothing says'}; give one of [grid], [[points]] and [search]"
        return
    found = [*_unknown_fields(spec), *_choice_faults(spec), *_faults_together(spec)]
    yield from found or _faults_of_values(spec)


def _unknown_fields(spec: SweepSpec) -> Iterator[str]:
    known = (*CHOICES, *machine_fields())
    for field in spec.varied:
        if field not in known:
            hint = suggestion(field, known, "`picojoule arch show` prints those of one")
            yield f"{field}: accelerators have no such field; {hint}"


def _choice_faults(spec: SweepSpec) -> Iterator[str]:
    for field in set(CHOICES).intersection(spec.varied):
        for value in spec.values(field):
            if field == "batch" and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                yield f"batch: {value!r} is no number of images; give 1 or more"
            if field != "batch" and not isinstance(value, str):
                yield f"{field}: {value!r} is no text; give a name in quotes"
    for bits in spec.possible("bits"):
        if isinstance(bits, str) and "=" not in bits:
            yield f"bits: {bits!r} is no list of widths; give one such as 'weight=8,activation=8'"


def _faults_together(spec: SweepSpec) -> Iterator[str]:
    file = spec.file
    if file.network is None and not spec.is_always_set("network"):
        yield "network: missing; name one, or vary it"
    if file.by == "simulate" and (file.bits is not None or "bits" in spec.varied):
        yield "bits: a simulation has words of 16 bits; leave it out, or give by = 'estimate'"
    if file.search is not None and "network" in spec.varied:
        yield "network: a search compares all its points, which must be of one network; name it outside [search]"
    if count_of_points(spec) > LARGEST_SWEEP:
        yield f"{count_of_points(spec):,} points, more than {LARGEST_SWEEP:,}; give fewer values, or [search]"
    if len(set(file.front)) != len(file.front):
        yield f"front: {', '.join(file.front)} has one twice; name each once"


def _faults_of_values(spec: SweepSpec) -> Iterator[str]:
    """Files that cannot be read, and values that are wrong on every accelerator of the sweep."""
    maker = PointMaker(spec=spec)
    try:
        machines = [maker.machine(str(arch)) for arch in spec.possible("arch")]
        for choice in maker.choices():
            opened(choice)
    except PicojouleError as error:
        yield str(error)
        return
    units = {machine.energy.unit for machine in machines}
    if len(units) > 1:
        yield f"arch: energies in different units ({', '.join(sorted(units))}); give them one table with `energy`"
    for field in spec.varied:
        for value in spec.values(field) if field not in CHOICES else ():
            faults = [value_fault(machine, field, value) for machine in machines]
            if all(faults):
                yield str(faults[0])
