"""Everything counted while a layer runs, and the checks that nothing was lost or invented."""

from collections import Counter
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from native.pe_array import PassTraffic
from simulator.counts import Access, AccessCounts, Action, Level, Tensor
from simulator.errors import ConservationError
from simulator.hardware.pe_array import PassPlan
from simulator.hardware.zeros import slots_done
from simulator.results import PeState
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer

IFMAP, FILTER, PSUM = Tensor.IFMAP, Tensor.FILTER, Tensor.PSUM


class Tally:
    """Words, bits and PE-cycles of one layer run; state that lives as long as the run."""

    def __init__(self, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        self._words: Counter[Access] = Counter()
        self._bits: Counter[Access] = Counter()
        self._pe_cycles: Counter[PeState] = Counter()
        self._traffic: Counter[str] = Counter()
        self.processing_cycles = 0
        self.active_pes = 0
        self.passes = 0

    def dram_reads(self, tensor: Tensor, size: tuple[int, int]) -> None:
        """(words, bits) that come over the link, into the GLB unless the tensor bypasses it."""
        self._move(Access(Level.DRAM, tensor, Action.READ), *size)
        if tensor not in self._accelerator.glb.bypass:
            self._move(Access(Level.GLB, tensor, Action.FILL), size[0])

    def ofmap_dumped(self, size: tuple[int, int]) -> None:
        """(words, bits) of finished ofmaps that leave the GLB over the link."""
        self._move(Access(Level.GLB, PSUM, Action.DUMP), size[0])
        self._move(Access(Level.DRAM, PSUM, Action.WRITE), *size)

    def pass_ran(self, plan: PassPlan) -> None:
        """One pass: where its PEs' cycles went and what crossed the array's edge."""
        shape, times, traffic = plan.shape, plan.times, plan.traffic
        self.passes += 1
        self.processing_cycles += times.cycles
        self.active_pes = max(self.active_pes, shape.mapped_pes)
        for state in (
            PeState.ACTIVE,
            PeState.FILTER_LOAD,
            PeState.IFMAP_WAIT,
            PeState.PSUM_IN_WAIT,
            PeState.PSUM_OUT_WAIT,
            PeState.DRAIN,
        ):
            self._pe_cycles[state] += getattr(times, state.value)
        self._pe_cycles[PeState.UNMAPPED] += (self._accelerator.pes - shape.mapped_pes) * times.cycles
        for name in PassTraffic.__slots__:
            self._traffic[name] += getattr(traffic, name)

    def pe_cycles(self, total_cycles: int) -> MappingProxyType[PeState, int]:
        """PE-cycles in each state, over the total time."""
        waiting = self._accelerator.pes * (total_cycles - self.processing_cycles)
        return MappingProxyType({state: self._pe_cycles[state] for state in PeState} | {PeState.DRAM_WAIT: waiting})

    def counts(self, mac_slots: npt.NDArray[np.int64]) -> AccessCounts:
        """All that was counted; mac_slots [first of window][last][ifmap zero][filter zero]."""
        self._count_array_edge()
        self._count_spads(mac_slots)
        macs = int(mac_slots.sum())
        return AccessCounts(
            words=MappingProxyType(dict(sorted(self._words.items()))),
            bits=MappingProxyType(dict(sorted(self._bits.items()))),
            macs=macs,
            nonzero_macs=int(mac_slots[:, :, 0, 0].sum()),
            gated_macs=macs - int(slots_done(mac_slots, self._accelerator.gating.mac).sum()),
        )

    @property
    def dram_words(self) -> int:
        return sum(words for access, words in self._words.items() if access.level is Level.DRAM)

    def _count_array_edge(self) -> None:
        sent = self._traffic
        self._move(Access(Level.GLB, IFMAP, Action.READ), sent["ifmap_sent"])
        if FILTER not in self._accelerator.glb.bypass:
            self._move(Access(Level.GLB, FILTER, Action.READ), sent["filter_sent"])
        self._move(Access(Level.GLB, PSUM, Action.READ), sent["psum_delivered"])
        self._move(Access(Level.GLB, PSUM, Action.WRITE), sent["psum_collected"])
        self._move(Access(Level.NOC, IFMAP, Action.DELIVERY), sent["ifmap_delivered"])
        self._move(Access(Level.NOC, FILTER, Action.DELIVERY), sent["filter_delivered"])
        self._move(Access(Level.NOC, PSUM, Action.DELIVERY), sent["psum_delivered"])
        self._move(Access(Level.NOC, PSUM, Action.HOP), sent["psum_hops"])
        self._move(Access(Level.NOC, PSUM, Action.COLLECT), sent["psum_collected"])
        self._move(Access(Level.SPAD, IFMAP, Action.WRITE), sent["ifmap_delivered"])
        self._move(Access(Level.SPAD, FILTER, Action.WRITE), sent["filter_delivered"])

    def _count_spads(self, mac_slots: npt.NDArray[np.int64]) -> None:
        gating = self._accelerator.gating
        reads = slots_done(mac_slots, gating.psum_spad_read)
        writes = slots_done(mac_slots, gating.psum_spad_write)
        self._move(Access(Level.SPAD, IFMAP, Action.READ), int(slots_done(mac_slots, gating.ifmap_spad_read).sum()))
        self._move(Access(Level.SPAD, FILTER, Action.READ), int(slots_done(mac_slots, gating.filter_spad_read).sum()))
        self._move(Access(Level.SPAD, PSUM, Action.READ), int(reads[0].sum()))
        self._move(Access(Level.SPAD, PSUM, Action.WRITE), int(writes[:, 0].sum()))

    def _move(self, access: Access, words: int, bits: int | None = None) -> None:
        self._words[access] += words
        self._bits[access] += words * self._accelerator.word_bits if bits is None else bits


def check_conservation(
    layer: Layer, counts: AccessCounts, pe_cycles: MappingProxyType[PeState, int], cycles: int, windows: int
) -> None:
    """Raise ConservationError unless words in equal words out at each level, MACs are the layer's, and every PE-cycle
    is accounted for. `cycles` is PEs x total cycles, `windows` the psums that PEs begin, one a window and filter."""
    of = counts.of
    balances = (
        ("MACs counted", counts.macs, "the layer's", layer.macs),
        ("PE-cycles that issue a MAC", pe_cycles[PeState.ACTIVE], "the layer's MACs", layer.macs),
        ("PE-cycles of all states", sum(pe_cycles.values()), "PEs x cycles", cycles),
        (
            "ofmap words written to DRAM",
            of(Level.DRAM, PSUM, Action.WRITE),
            "the layer's",
            int(np.prod(layer.ofmap_shape)),
        ),
        (
            "psums that stay in the GLB",
            of(Level.GLB, PSUM, Action.WRITE) - of(Level.GLB, PSUM, Action.READ),
            "ofmap words dumped",
            of(Level.GLB, PSUM, Action.DUMP),
        ),
        (
            "psums collected",
            of(Level.NOC, PSUM, Action.COLLECT),
            "GLB psum writes",
            of(Level.GLB, PSUM, Action.WRITE),
        ),
        (
            "psums passed on or collected",
            of(Level.NOC, PSUM, Action.HOP) + of(Level.NOC, PSUM, Action.COLLECT),
            "psums begun in the PEs",
            windows,
        ),
        (
            "filter words sent to the array",
            counts.words.get(Access(Level.GLB, FILTER, Action.READ), of(Level.DRAM, FILTER, Action.READ)),
            "filter words from DRAM",
            of(Level.DRAM, FILTER, Action.READ),
        ),
    )
    for what, value, other, expected in balances:
        if value != expected:
            raise ConservationError(f"{layer.name}: {what}: {value}, but {other}: {expected}")
