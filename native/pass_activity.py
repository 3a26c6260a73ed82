"""What happens in each cycle of a processing pass, as the recurrence in C works it out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from native._kernels import ffi, lib
from native.pe_array import PassShape, c_shape
from native.status import check

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PassActivity:
    """Counts in each of some consecutive cycles of a pass: (cycles,) each, macs (rows of PEs, cycles).

    Words are those of `PassTraffic`; ifmap_bus has the padding words too, which the bus carries and the GLB does not
    hold. Row 0 of macs is the row of PEs that takes psums from the GLB; PEs of all set stacks count together.
    """

    filter_sent: Counts
    ifmap_bus: Counts
    ifmap_sent: Counts
    ifmap_delivered: Counts
    psum_delivered: Counts
    psum_hops: Counts
    psum_collected: Counts
    macs: Counts


def trace_pass(shape: PassShape, stored: tuple[int, int, int, int], cycles: range) -> PassActivity:
    """What happens in those cycles of a pass of this shape; `stored` as in `PassValues`."""
    planes = lib.PJ_ROW_MACS
    counts = np.zeros((planes + shape.r * shape.R, len(cycles)), np.int64)
    activity = ffi.new("pj_activity *")
    activity.first, activity.cycles = cycles.start, len(cycles)
    activity.stored = list(stored)
    activity.counts = ffi.from_buffer("int64_t[]", counts, require_writable=True)
    check(lib.pj_trace_pass(c_shape(shape), ffi.new("pj_times *"), activity))
    return PassActivity(
        filter_sent=counts[lib.PJ_FILTER_SENT],
        ifmap_bus=counts[lib.PJ_IFMAP_BUS],
        ifmap_sent=counts[lib.PJ_IFMAP_SENT],
        ifmap_delivered=counts[lib.PJ_IFMAP_DELIVERED],
        psum_delivered=counts[lib.PJ_PSUM_DELIVERED],
        psum_hops=counts[lib.PJ_PSUM_HOPS],
        psum_collected=counts[lib.PJ_PSUM_COLLECTED],
        macs=counts[planes:],
    )
