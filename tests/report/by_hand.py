"""Results written down by hand, so that what is shown of them can be checked without a simulation."""

from types import MappingProxyType

from simulator.counts import Access, AccessCounts, Action, Level, Tensor
from simulator.energy import energy
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.results import LayerResult, Method, NetworkResult, PeState
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from simulator.spec.workload import Origin, Provenance

WORDS = {
    Access(Level.DRAM, Tensor.IFMAP, Action.READ): 1_000_000,
    Access(Level.DRAM, Tensor.PSUM, Action.WRITE): 500_000,
    Access(Level.GLB, Tensor.IFMAP, Action.FILL): 1_000_000,
    Access(Level.GLB, Tensor.IFMAP, Action.READ): 2_000_000,
    Access(Level.GLB, Tensor.PSUM, Action.WRITE): 3_000_000,
    Access(Level.NOC, Tensor.FILTER, Action.DELIVERY): 700_000,
    Access(Level.SPAD, Tensor.IFMAP, Action.READ): 9_000_000,
}


def layer_result(name: str = "CONV1", *, scale: int = 1, g: int = 1) -> LayerResult:
    """A layer whose counts are WORDS times `scale`: 10 M MACs, 8 M gated, 4 M slots of 4.2 M PE-cycles at scale 1."""
    words = MappingProxyType({access: scale * count for access, count in WORDS.items()})
    counts = AccessCounts(
        words=words,
        bits=MappingProxyType({access: 16 * count for access, count in words.items()}),
        macs=10_000_000 * scale,
        nonzero_macs=1_500_000 * scale,
        gated_macs=8_000_000 * scale,
    )
    cycles = dict.fromkeys(PeState, 0) | {PeState.ACTIVE: 2_100_000 * scale, PeState.UNMAPPED: 2_100_000 * scale}
    layer = Layer(name=name, N=4, M=96, C=3, H=227, W=227, R=11, S=11, U=4, V=4, from_input=name == "CONV1")
    return LayerResult(
        layer=layer,
        mapping=RowStationaryMapping(m=96, n=1, e=7, p=16, q=1, r=1, t=2, g=g),
        counts=counts,
        energy=energy(counts, load_accelerator("eyeriss-v1"), layer),
        processing_cycles=20_000 * scale,
        total_cycles=25_000 * scale,
        pe_cycles=cycles,
        active_pes=154 if scale == 1 else 140,
        pes=168,
        core_mhz=200.0,
        dram_bits_uncompressed=32_000_000 * scale,
        passes=96,
        is_folded=False,
    )


def network_result(*layers: LayerResult, notes: tuple[str, ...] = ("not costed: MaxPool x3",)) -> NetworkResult:
    """CONV1 and a CONV2 three times as large, unless other layers are given."""
    return NetworkResult(
        network="alexnet",
        method=Method.SIMULATED,
        arch="eyeriss-v1",
        batch=4,
        provenance=Provenance(
            weights=Origin.SYNTHETIC,
            activations=Origin.SYNTHETIC,
            detail="synthetic words, seed 0; density as published",
            sha256="0" * 64,
        ),
        layers=layers or (layer_result("CONV1"), layer_result("CONV2", scale=3)),
        notes=notes,
    )
