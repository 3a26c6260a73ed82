"""Everything counted while a layer runs, and the checks that nothing was lost or invented."""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from native.pe_array import PassTraffic
from simulator.counts import Access, AccessCounts, Action, Level, Tensor
from simulator.errors import ConservationError
from simulator.hardware.pe_array import PassPlan
from simulator.hardware.zeros import slot_accesses, slots_done
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
        for name, accesses in traffic_accesses(self._accelerator).items():
            for access in accesses:
                self._move(access, self._traffic[name])
        for access, words in slot_accesses(mac_slots, self._accelerator.gating).items():
            self._move(access, words)
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

    def _move(self, access: Access, words: int, bits: int | None = None) -> None:
        self._words[access] += words
        self._bits[access] += words * self._accelerator.word_bits if bits is None else bits


def traffic_accesses(accelerator: Accelerator) -> Mapping[str, tuple[Access, ...]]:
    """What a word over each of the array's boundaries, by its name in `PassTraffic`, is counted as."""
    glb_filter = () if FILTER in accelerator.glb.bypass else (Access(Level.GLB, FILTER, Action.READ),)
    return {
        "ifmap_sent": (Access(Level.GLB, IFMAP, Action.READ),),
        "ifmap_delivered": (Access(Level.NOC, IFMAP, Action.DELIVERY), Access(Level.SPAD, IFMAP, Action.WRITE)),
        "filter_sent": glb_filter,
        "filter_delivered": (Access(Level.NOC, FILTER, Action.DELIVERY), Access(Level.SPAD, FILTER, Action.WRITE)),
        "psum_delivered": (Access(Level.GLB, PSUM, Action.READ), Access(Level.NOC, PSUM, Action.DELIVERY)),
        "psum_hops": (Access(Level.NOC, PSUM, Action.HOP),),
        "psum_collected": (Access(Level.GLB, PSUM, Action.WRITE), Access(Level.NOC, PSUM, Action.COLLECT)),
    }


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
