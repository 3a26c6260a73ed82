"""From what a point sets to a task: its machine, its workload, its size.

Files that the SPEC names are read once, here, from the SPEC's own folder. A machine that cannot be built is a point
that fails, with its reason.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from math import prod
from pathlib import Path

from simulator.choices import machine_of
from simulator.errors import SpecError
from simulator.spec.accelerator import Accelerator
from simulator.spec.load import shipped_accelerators
from simulator.sweep.area import area_kb
from simulator.sweep.evaluate import Task, WorkloadChoice, opened, task_of
from simulator.sweep.machine_fields import changed
from simulator.sweep.spec_file import CHOICES, Parameters, SweepSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One machine with one workload.

    parameters  what the SPEC sets for it
    batch       images
    task, area  None if there is no such machine, for a reason
    """

    number: int
    parameters: Parameters
    network: str
    arch: str
    batch: int
    bits: str | None
    task: Task | None
    area_kb: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PointMaker:
    """Makes the points of a SPEC; reads each accelerator file once. Raises PicojouleError for what no point can use."""

    spec: SweepSpec
    _machines: dict[str, Accelerator] = field(default_factory=dict)

    @property
    def energy_unit(self) -> str:
        """Of all its machines: a SPEC whose machines differ in it is refused."""
        return self.machine(str(self.spec.possible("arch")[0])).energy.unit

    def machine(self, arch: str) -> Accelerator:
        """An accelerator before any of its fields is set, with the SPEC's energy table."""
        if arch not in self._machines:
            file = self.spec.file
            path = arch if arch in shipped_accelerators() else self._path(arch)
            energy = None if file.energy is None else self._path(file.energy)
            self._machines[arch] = machine_of(path, energy)
        return self._machines[arch]

    def point(self, number: int, parameters: Parameters) -> Point:
        """The point that sets these parameters, everything else as the SPEC has it."""
        network, arch, batch, bits = (parameters.get(name, getattr(self.spec.file, name)) for name in CHOICES)
        machine, reason = self._changed(str(arch), parameters)
        choice, file = self._choice(str(network), batch, bits), self.spec.file
        return Point(
            number=number,
            parameters=parameters,
            network=str(network),
            arch=str(arch),
            batch=opened(choice)[0].batch,
            bits=choice.bits,
            task=None if machine is None else task_of(choice, machine, by=file.by, objective=file.objective),
            area_kb=None if machine is None else area_kb(machine, file.area),
            reason=reason,
        )

    def choices(self) -> Iterator[WorkloadChoice]:
        """Every workload that some point may have."""
        for network, batch, bits in product(*(self.spec.possible(name) for name in ("network", "batch", "bits"))):
            yield self._choice(str(network), batch, bits)

    def _changed(self, arch: str, parameters: Parameters) -> tuple[Accelerator | None, str | None]:
        fields = {name: value for name, value in parameters.items() if name not in CHOICES}
        try:
            return changed(self.machine(arch), fields), None
        except SpecError as error:
            return None, str(error)

    def _choice(self, network: str, batch: object, bits: object) -> WorkloadChoice:
        return WorkloadChoice(
            network=network if not Path(network).suffix else self._path(network),
            batch=batch if isinstance(batch, int) else None,
            layers=self.spec.file.layers,
            bits=bits if isinstance(bits, str) else None,
            seed=self.spec.file.seed,
        )

    def _path(self, name: str) -> str:
        return str(self.spec.folder / name)


def listed_points(maker: PointMaker) -> list[Point]:
    """Those of a grid, the last field varying fastest, or of a list, in the file's order."""
    return [maker.point(number, parameters) for number, parameters in enumerate(_listed(maker.spec), start=1)]


def count_of_points(spec: SweepSpec) -> int:
    """Points of a grid or list, trials of a search."""
    file = spec.file
    if file.grid is not None:
        return prod(len(values) for values in file.grid.values())
    return len(file.points or ()) if file.search is None else file.search.trials


def _listed(spec: SweepSpec) -> Iterator[Parameters]:
    if spec.file.grid is None:
        yield from spec.file.points or ()
        return
    for values in product(*spec.file.grid.values()):
        yield dict(zip(spec.file.grid, values, strict=True))
