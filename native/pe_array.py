"""One processing pass on the PE array, in C: how long it takes, and what it computes and moves."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from native._kernels import ffi, lib
from native.status import check


@dataclass(frozen=True, slots=True, kw_only=True)
class PassShape:
    """All that the timing of a pass depends on; `pj_shape` of native/src/kernels.h, field for field."""

    R: int
    S: int
    U: int
    V: int
    F: int
    n: int
    e: int
    p: int
    q: int
    r: int
    t: int
    g: int
    psum_in: bool
    pipeline_stages: int
    ifmap_spad_words: int
    ifmap_fifo_words: int
    psum_fifo_words: int
    ifmap_beat_words: int
    filter_beat_words: int
    psum_in_beat_words: int
    psum_out_beat_words: int

    @property
    def mapped_pes(self) -> int:
        return self.r * self.R * self.g * self.t * self.e

    @property
    def ifmap_words(self) -> int:
        """Words that each mapped PE takes in the pass."""
        return self.n * self.q * (self.S + (self.F - 1) * min(self.S, self.V))

    @property
    def tile_rows(self) -> int:
        return (self.e - 1) * self.U + self.R

    @property
    def tile_columns(self) -> int:
        return (self.F - 1) * self.V + self.S

    @property
    def ifmap_block(self) -> tuple[int, ...]:
        return (self.n, self.g, self.r * self.q, self.tile_rows, self.tile_columns)

    @property
    def filter_block(self) -> tuple[int, ...]:
        return (self.g, self.t * self.p, self.r * self.q, self.R, self.S)

    @property
    def psum_block(self) -> tuple[int, ...]:
        return (self.n, self.g, self.t * self.p, self.e, self.F)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassTimes:
    """Cycles of a pass, and PE-cycles of its mapped PEs in each state, which add up to cycles x mapped PEs."""

    cycles: int
    filter_cycles: int
    active: int
    filter_load: int
    ifmap_wait: int
    psum_in_wait: int
    psum_out_wait: int
    drain: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PassTraffic:
    """Words that crossed each boundary of the array in one pass, counted where they cross."""

    ifmap_sent: int
    ifmap_delivered: int
    filter_sent: int
    filter_delivered: int
    psum_delivered: int
    psum_hops: int
    psum_collected: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PassValues:
    """Operands of one pass, in the layouts of `pj_values`: int16 ifmap (padding as zeros) and filters, int64 psums.

    stored     (first row, end row, first column, end column) of the ifmap tile that is not padding
    psum_bits  0 for exact psums; else products are shifted right and sums wrap to so many bits
    """

    ifmap: npt.NDArray[np.int16]
    filters: npt.NDArray[np.int16]
    psums: npt.NDArray[np.int64]
    stored: tuple[int, int, int, int]
    psum_bits: int = 0
    product_shift: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SteppedPass:
    """psums as psum_block; mac_slots [first of window][last][ifmap zero][filter zero], int64 (2, 2, 2, 2)."""

    times: PassTimes
    traffic: PassTraffic
    psums: npt.NDArray[np.int64]
    mac_slots: npt.NDArray[np.int64]


def time_pass(shape: PassShape) -> PassTimes:
    """When a pass of this shape ends and what its PEs do meanwhile, by recurrence over events."""
    times = ffi.new("pj_times *")
    check(lib.pj_time_pass(c_shape(shape), times))
    return _pass_times(times)


def step_pass(shape: PassShape, values: PassValues) -> SteppedPass:
    """A pass stepped cycle by cycle with its values carried through the PEs."""
    _check_block(values.ifmap, shape.ifmap_block, np.int16)
    _check_block(values.filters, shape.filter_block, np.int16)
    _check_block(values.psums, shape.psum_block, np.int64)
    psums = np.empty(shape.psum_block, np.int64)
    c_values = ffi.new("pj_values *")
    c_values.ifmap = ffi.from_buffer("int16_t[]", values.ifmap)
    c_values.filters = ffi.from_buffer("int16_t[]", values.filters)
    c_values.psum_in = ffi.from_buffer("int64_t[]", values.psums)
    c_values.psum_out = ffi.from_buffer("int64_t[]", psums, require_writable=True)
    c_values.stored = list(values.stored)
    c_values.psum_bits, c_values.product_shift = values.psum_bits, values.product_shift
    times, traffic = ffi.new("pj_times *"), ffi.new("pj_traffic *")
    check(lib.pj_step_pass(c_shape(shape), c_values, times, traffic))
    return SteppedPass(
        times=_pass_times(times),
        traffic=PassTraffic(**{name: int(getattr(traffic, name)) for name in PassTraffic.__slots__}),
        psums=psums,
        mac_slots=np.array(list(c_values.mac_slots), np.int64).reshape(2, 2, 2, 2),
    )


def _pass_times(times: ffi.CData) -> PassTimes:
    return PassTimes(**{name: int(getattr(times, name)) for name in PassTimes.__slots__})


def c_shape(shape: PassShape) -> ffi.CData:
    """The shape as C takes it."""
    return ffi.new("pj_shape *", {name: getattr(shape, name) for name in PassShape.__slots__})


def _check_block(block: npt.NDArray[np.generic], shape: tuple[int, ...], dtype: type) -> None:
    if block.shape != shape or block.dtype != dtype or not block.flags.c_contiguous:
        raise ValueError(
            f"a C-contiguous {np.dtype(dtype)} block of shape {shape} is needed, not {block.dtype} {block.shape}"
        )
