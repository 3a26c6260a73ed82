"""Do simulation and closed form agree, count by count, and if not, which known deviation explains it?"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from simulator.analytic.scaling import approximate_accesses, macs_are_approximate
from simulator.counts import Level
from simulator.results import LayerResult, NetworkResult, PeState
from simulator.spec.accelerator import Accelerator
from simulator.spec.workload import Origin

WAITS, PSUM_FIFOS, EVEN_ZEROS, EXPECTED_TRANSFERS = 23, 24, 25, 26
EXPLANATION = MappingProxyType(
    {
        WAITS: "why a PE waits is apportioned, not followed",
        PSUM_FIFOS: "psum FIFOs are taken as deep enough never to hold a PE up",
        EVEN_ZEROS: "zeros are taken as spread evenly, at each tensor's density",
        EXPECTED_TRANSFERS: "each DRAM transfer takes the time of the bits expected of it",
    }
)
"""Rows of DEVIATIONS.md that say why a closed form is approximate."""


_Quantity = tuple[str, str, tuple[int, int], tuple[int, ...]]
"""What, unit, (simulated, analytic), rows that explain a difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One quantity of one layer, both ways.

    what  an access as "glb.ifmap.read", in bits; or "macs", "macs done", "nonzero macs", in MACs; "processing" and
          "total", in core cycles; a PE state, in PE-cycles
    rows  of DEVIATIONS.md that explain a difference; none where both must be equal
    """

    layer: str
    what: str
    unit: str
    simulated: int
    analytic: int
    rows: tuple[int, ...]

    @property
    def is_equal(self) -> bool:
        return self.simulated == self.analytic

    @property
    def is_unexplained(self) -> bool:
        return not self.is_equal and not self.rows

    @property
    def ratio(self) -> float | None:
        """Analytic to simulated; None where nothing was simulated but something estimated."""
        if self.simulated:
            return self.analytic / self.simulated
        return 1.0 if self.is_equal else None


def compare(simulated: NetworkResult, analytic: NetworkResult, accelerator: Accelerator) -> tuple[Deviation, ...]:
    """Every count and cycle of every layer, always from raw counts. Both results are of the same layers, mappings and
    machine."""
    by_density = analytic.provenance.weights is Origin.DENSITY
    pairs = zip(simulated.layers, analytic.layers, strict=True)
    return tuple(deviation for pair in pairs for deviation in _of_layer(*pair, accelerator, by_density))


def _of_layer(
    simulated: LayerResult, analytic: LayerResult, accelerator: Accelerator, by_density: bool
) -> Iterator[Deviation]:
    pairs = [*_counts(simulated, analytic, accelerator, by_density), *_cycles(simulated, analytic, accelerator)]
    for what, unit, (ran, estimated), rows in pairs:
        yield Deviation(layer=simulated.layer.name, what=what, unit=unit, simulated=ran, analytic=estimated, rows=rows)


def _counts(
    simulated: LayerResult, analytic: LayerResult, accelerator: Accelerator, by_density: bool
) -> Iterator[_Quantity]:
    ran, estimated = simulated.counts, analytic.counts
    spread = (EVEN_ZEROS,) if by_density else ()
    yield "macs", "MACs", (ran.macs, estimated.macs), ()
    yield "nonzero macs", "MACs", (ran.nonzero_macs, estimated.nonzero_macs), spread
    done = (ran.macs - ran.gated_macs, estimated.macs - estimated.gated_macs)
    yield "macs done", "MACs", done, spread if macs_are_approximate(accelerator) else ()
    approximate = approximate_accesses(simulated.layer, accelerator)
    for access in sorted({*ran.bits, *estimated.bits}):
        bits = ran.bits.get(access, 0), estimated.bits.get(access, 0)
        yield str(access), "bits", bits, spread if access in approximate else ()


def _cycles(simulated: LayerResult, analytic: LayerResult, accelerator: Accelerator) -> Iterator[_Quantity]:
    processing = (simulated.processing_cycles, analytic.processing_cycles)
    fifos = (PSUM_FIFOS,) if processing[0] != processing[1] else ()
    sizes_vary = any(access.level is Level.DRAM for access in approximate_accesses(simulated.layer, accelerator))
    transfers = (EXPECTED_TRANSFERS,) if sizes_vary else ()
    yield "processing", "cycles", processing, fifos
    yield "total", "cycles", (simulated.total_cycles, analytic.total_cycles), (*fifos, *transfers)
    for state in PeState:
        rows = (*fifos, *transfers) if state is PeState.DRAM_WAIT else (WAITS, *fifos)
        cycles = simulated.pe_cycles[state], analytic.pe_cycles[state]
        yield f"PEs {state.value.replace('_', ' ')}", "PE-cycles", cycles, rows
