"""The row-stationary mapping: its parameters. What fits is in fits.py, the order of passes in passes.py."""

from dataclasses import asdict, dataclass

from simulator.errors import MappingError


@dataclass(frozen=True, slots=True, kw_only=True)
class RowStationaryMapping:
    """How a layer is cut into processing passes, in the letters of JSSC 2017, Table II.

    m  ofmap channels kept in the GLB while their channels come in
    n  ifmaps in a pass
    e  width of a PE set: ofmap rows at a time
    p  filters interleaved in a PE       q  channels interleaved in a PE
    r  PE sets on different channels     t  PE sets on different filters
    g  groups handled at once by further sets (our extension, for depthwise layers; 1 on the chip)
    """

    m: int
    n: int
    e: int
    p: int
    q: int
    r: int
    t: int
    g: int = 1

    def __post_init__(self) -> None:
        for letter, value in asdict(self).items():
            if value < 1:
                raise MappingError(f"mapping: {letter} = {value}; every parameter must be at least 1")

    def to_dict(self) -> dict[str, int]:
        return asdict(self)
