"""How long does a processing pass take, in closed form, and what do its PEs wait for?

A pass is a machine of three rhythms, whose slowest sets the pace. In each of its n*F windows a PE issues W = p*q*S MAC
slots; the ifmap bus sends the new words of every tile row to its diagonal, B cycles in all (B1 in the first window of
an image, where all q*S words are new); the psum bus serves every column, P cycles. Everything is served in a fixed
order, so the time of the pass is the longest path through these: along one rhythm, and from one to another where a word
is waited for. `_Paths` lists those that can be the longest; docs/simulation-and-formula.md derives them.

Times are of one kind of pass, with ints, or of many at once, with int64 arrays; PE-cycles are of one. Never looks at
the event recurrence of native/; tests/calibration holds one against the other. Psum FIFOs are taken to hold a window's
psums (DEVIATIONS 24).
"""

from functools import lru_cache
from typing import NamedTuple

from simulator.analytic.elementwise import Whole, larger
from simulator.spec.accelerator import Accelerator, PooledSpad
from simulator.spec.layer import Layer

_SEND_TO_ISSUE = 4  # cycles: bus, FIFO, spad, first MAC slot; and the cycle after which a freed place is seen


class PassFrame(NamedTuple):
    """What the passes of a layer on a machine have in common.

    R, S, F          the layer's
    row_step         tile rows from one ofmap row to the next; rows between strides go to no PE
    tap_step         words of a tile row and channel that are new in a window behind another
    ifmap_beat, filter_beat, psum_beat  words that a bus moves in a cycle
    hop              cycles from a PE's last MAC slot to the first that the PE above can do after it
    fifo_words       of the ifmap FIFO; the spad that holds ifmap words of `ifmap_bits` has `spad_bits`, of which each
                     filter word takes `filter_share` and each psum `psum_share`: none where they have their own
    """

    R: int
    S: int
    F: int
    row_step: int
    tap_step: int
    ifmap_beat: int
    filter_beat: int
    psum_beat: int
    hop: int
    fifo_words: int
    spad_bits: int
    ifmap_bits: int
    filter_share: int
    psum_share: int


class PassKind(NamedTuple):
    """Passes by what decides their time: images n, ofmap rows e, groups g, p filters and q channels interleaved, r and
    t sets of them."""

    n: Whole
    e: Whole
    g: Whole
    p: Whole
    q: Whole
    r: Whole
    t: Whole


class PeCycles(NamedTuple):
    """PE-cycles of a pass's mapped PEs, in the PeState of each name; they add up to its cycles x mapped PEs."""

    active: int
    filter_load: int
    ifmap_wait: int
    psum_in_wait: int
    psum_out_wait: int
    drain: int


class _Rhythm(NamedTuple):
    """A pass in cycles. Per window: the MAC slots, the ifmap bus in an image's `first` window and `later`, the psum bus
    over all columns (`psums`) and over one. The bus takes `window` and `step` cycles for one PE's words of a first and
    a later window, which are `words` and `new`; a PE has room for `room` words more than a window's."""

    windows: Whole
    slots: Whole
    first: Whole
    later: Whole
    psums: Whole
    column: Whole
    window: Whole
    step: Whole
    words: Whole
    new: Whole
    room: Whole
    row_sets: Whole
    chain: Whole


class _Paths(NamedTuple):
    """Cycles, from the end of the filter load, of the paths that can be the longest.

    slots     the last column's PEs get their first word when the bus has served all others, then never wait for more
    mixed     the bus sets the pace until the last image's first window, the PEs from there on
    bus       the bus sets the pace to the last word
    arrivals  the first window's psums come from the GLB, one column after another; only where psums are read
    """

    slots: Whole
    mixed: Whole
    bus: Whole
    arrivals: Whole


class PassTiming:
    """Cycles of the passes of one kind.

    filters   in which the filters load
    starting  from there to the end, of a pass that starts psums
    adding    the same of one that adds to psums, which earlier channels have left in the GLB
    """

    def __init__(self, frame: PassFrame, kind: PassKind) -> None:
        self._frame, self._kind = frame, kind
        self._rhythm = _rhythm(frame, kind)
        self._paths = slots, mixed, bus, arrivals = _paths(frame, kind, self._rhythm)
        self.mapped_pes = kind.r * frame.R * kind.g * kind.t * kind.e
        # Each row of a set takes its own filters, a beat a cycle.
        self.filters = kind.r * frame.R * kind.g * kind.t * -(-(kind.p * self._rhythm.words) // frame.filter_beat)
        longest = larger(larger(slots, mixed), bus)
        self.starting, self.adding = longest + 1, larger(longest, arrivals) + 1

    def pe_cycles(self, *, adds: bool) -> PeCycles:
        """Of a pass that starts psums, or of one that adds to them.

        ACTIVE and FILTER_LOAD are the simulator's, the waits are apportioned (DEVIATIONS 23): a PE waits for its first
        word, then until the PEs below have theirs; what is left of its idle time is the wait for whatever sets the
        pace.
        """
        frame, kind, z, mapped = self._frame, self._kind, self._rhythm, self.mapped_pes
        by_bus, by_psums, to_the_last = _pace(z, self._paths)
        active = mapped * z.windows * z.slots
        idle = mapped * (self.adding if adds else self.starting) - active
        drain = min(idle, _drain(frame, kind, z, _Ends(to_the_last, by_psums, adds)))
        first = min(idle - drain, _until_first_words(frame, kind, z))
        below = min(idle - drain - first, kind.e * kind.g * kind.t * _behind_below(frame, kind, z))
        rest = idle - drain - first - below
        own = 0 if by_psums else _share_for_own_words(frame, kind, z, rest) if by_bus else rest
        out = rest if by_psums and not adds else 0
        return PeCycles(active, self.filters * mapped, first + own, below + rest - own - out, out, drain)


@lru_cache(maxsize=1 << 14)
def pass_timing(frame: PassFrame, kind: PassKind) -> PassTiming:
    """Of ints, once: layers of a network have many kinds of pass in common."""
    return PassTiming(frame, kind)


@lru_cache(maxsize=1 << 14)
def pass_pe_cycles(timing: PassTiming, adds: bool) -> PeCycles:
    return timing.pe_cycles(adds=adds)


def pass_frame(layer: Layer, accelerator: Accelerator) -> PassFrame:
    noc, pe, spads = accelerator.noc, accelerator.pe, accelerator.pe.spads
    pooled = isinstance(spads, PooledSpad)
    return PassFrame(
        R=layer.R,
        S=layer.S,
        F=layer.F,
        row_step=min(layer.U, layer.R),
        tap_step=min(layer.V, layer.S),
        ifmap_beat=max(1, noc.gin_ifmap_bits // layer.ifmap_bits),
        filter_beat=max(1, noc.gin_filter_bits // layer.filter_bits),
        psum_beat=max(1, noc.gon_psum_bits // layer.psum_bits),
        hop=pe.pipeline_stages + 1,
        fifo_words=pe.ifmap_fifo_words,
        spad_bits=(spads.words if isinstance(spads, PooledSpad) else spads.ifmap_words) * accelerator.word_bits,
        ifmap_bits=layer.ifmap_bits,
        filter_share=layer.filter_bits if pooled else 0,
        psum_share=layer.psum_bits if pooled else 0,
    )


def _rhythm(frame: PassFrame, kind: PassKind) -> _Rhythm:
    n, e, g, p, q, r, t = kind
    words, new = q * frame.S, q * frame.tap_step
    window, step = -(-words // frame.ifmap_beat), -(-new // frame.ifmap_beat)
    row_sets = ((e - 1) * frame.row_step + frame.R) * g * r
    column = -(-p // frame.psum_beat)
    spad_bits = frame.spad_bits - p * (words * frame.filter_share + frame.psum_share)
    return _Rhythm(
        n * frame.F,
        p * words,
        row_sets * window,
        row_sets * step,
        e * g * t * column,
        column,
        window,
        step,
        words,
        new,
        frame.fifo_words + spad_bits // frame.ifmap_bits - words,
        row_sets,
        r * frame.R,
    )


def _paths(frame: PassFrame, kind: PassKind, z: _Rhythm) -> _Paths:
    pace, later_windows, others = larger(z.slots, z.psums), z.windows - 1, frame.F - 1
    after = _tail(frame, kind, z, z.window)
    until_slots = z.first - z.window + z.slots
    image = z.first + others * z.later
    last, last_words, behind = (z.step, z.new, _tail(frame, kind, z, z.step)) if others else (z.window, z.words, after)
    return _Paths(
        slots=until_slots + later_windows * pace + _blocked(frame, kind, z) + after,
        mixed=(kind.n - 1) * image + until_slots + others * pace + after,
        bus=kind.n * image - last + last_words * kind.p + behind,
        arrivals=z.psums - z.column + kind.p + frame.hop * z.chain + later_windows * pace - 1,
    )


def _tail(frame: PassFrame, kind: PassKind, z: _Rhythm, spacing: Whole) -> Whole:
    """From the last slot of the last column to the last psum on the bus: up the chain, in which every set waits for its
    own words `spacing` after those of the set below; then behind the columns that finish with it."""
    _, _, g, _, _, r, t = kind
    up = larger(frame.hop * frame.R, frame.hop * z.chain - (r - 1) * spacing)
    same_group = (t - 1) * z.column
    same_row = (g * t - 1) * z.column - (g - 1) * r * spacing
    rows_before = z.row_sets - (frame.R * g - g + 1) * r
    all_columns = z.psums - z.column - rows_before * spacing
    return up + larger(larger(same_group, same_row), all_columns)


def _blocked(frame: PassFrame, kind: PassKind, z: _Rhythm) -> Whole:
    """Cycles lost where the bus stands before a PE that has no room, and PEs behind it in the bus's order run dry.

    Only where all of a window's words are new does this cost: at each image, or in each window if none overlap.
    """
    R, hop, sets = frame.R, frame.hop, kind.g * kind.r
    spare = larger(0, z.psums - z.slots)
    sets_climb = (kind.r - 1) * larger(0, hop * R - z.window)
    same_burst = _SEND_TO_ISSUE - z.window - z.room * kind.p + (R - 1) * (sets * z.window + hop)
    if R > 1:
        same_burst = same_burst + sets_climb
    if frame.F == 1 or frame.tap_step == frame.S:
        windows_ahead = -(-(z.room + 1) // z.words)
        return (z.windows - 1) // windows_ahead * larger(0, same_burst - spare)
    next_window = _SEND_TO_ISSUE + z.first - z.window - z.slots - (z.words - z.new + z.room) * kind.p
    next_window = next_window + sets_climb + (R - 1) * (hop + sets * z.step)
    return (kind.n - 1) * larger(0, larger(same_burst, next_window) - spare)


class _Ends(NamedTuple):
    """How a pass ends: with the bus serving the last word, paced by psums, adding to psums of the GLB?"""

    to_the_last: bool
    by_psums: bool
    adds: bool


def _pace(z: _Rhythm, paths: _Paths) -> tuple[bool, bool, bool]:
    """Is it the ifmap bus, is it the psum bus? And is it the ifmap bus to the last word?"""
    slots, mixed, bus, _ = paths
    by_bus = max(bus, mixed) > slots and z.later > z.slots
    by_psums = slots >= max(bus, mixed) and z.psums > max(z.slots, z.later)
    return by_bus, by_psums, bus > max(slots, mixed)


def _drain(frame: PassFrame, kind: PassKind, z: _Rhythm, ends: _Ends) -> int:
    """PE-cycles after a PE's last slot: columns finish one after another, the PEs of a column from below."""
    _, e, g, _, _, r, t = kind
    columns = e * g * t
    if ends.by_psums:
        earlier = z.column * _pairs(columns)
    else:
        spacing = z.step if ends.to_the_last and frame.F > 1 else z.window
        earlier = g * t * frame.row_step * g * r * spacing * _pairs(e) + e * t * r * spacing * _pairs(g)
        earlier += e * g * z.column * _pairs(t) if ends.adds else columns * (t - 1) * z.column
    return int(earlier * z.chain + columns * (z.chain * (frame.hop - 1) + frame.hop * _pairs(z.chain)))


def _until_first_words(frame: PassFrame, kind: PassKind, z: _Rhythm) -> int:
    """PE-cycles until each mapped PE's first ifmap word: its tile row, group and set in the order of the bus."""
    e, R, sets = kind.e, frame.R, kind.g * kind.r
    rows = R * frame.row_step * _pairs(e) + e * _pairs(R)
    places = rows * sets * sets + e * R * _pairs(sets)
    return int(kind.t * (places * z.window + 2 * e * R * sets))


def _behind_below(frame: PassFrame, kind: PassKind, z: _Rhythm) -> int:
    """Over one column's PEs: cycles by which the first psum from below comes after a PE's own words."""
    a_row, a_set = _lateness(frame, kind, z.window)
    return int(kind.r * _pairs(frame.R) * a_row + frame.R * _pairs(kind.r) * a_set)


def _lateness(frame: PassFrame, kind: PassKind, spacing: int) -> tuple[int, int]:
    """The psum from below is late by so much for each filter row above the set's last, and for each set below."""
    return kind.g * kind.r * spacing + frame.hop, max(0, frame.hop * frame.R - spacing)


def _share_for_own_words(frame: PassFrame, kind: PassKind, z: _Rhythm, idle: int) -> int:
    """Of PE-cycles idle because the bus sets the pace: those that wait for a PE's own words, not for the PE below."""
    gap, own = z.later - z.slots, 0
    a_row, a_set = _lateness(frame, kind, z.step)
    for row in range(frame.R):
        left = max(0, gap - row * a_row)
        sets = min(kind.r, -(-left // a_set)) if a_set else kind.r
        own += sets * left - a_set * _pairs(sets)
    return int(idle * own // (z.chain * gap))


def _pairs(count: int) -> int:
    """0 + 1 + … + (count - 1)."""
    return count * (count - 1) // 2
