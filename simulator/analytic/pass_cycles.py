"""How long does a processing pass take, in closed form, and what do its PEs wait for?

A pass is a machine of three rhythms, whose slowest sets the pace. In each of its n*F windows a PE issues W = p*q*S MAC
slots; the ifmap bus sends the new words of every tile row to its diagonal, B cycles in all (B1 in the first window of
an image, where all q*S words are new); the psum bus serves every column, P cycles. Everything is served in a fixed
order, so the time of the pass is the longest path through these: along one rhythm, and from one to another where a word
is waited for. `_Paths` lists those that can be the longest; docs/simulation-and-formula.md derives them.

Of one pass, with ints, or of many at once, with int64 arrays. Never looks at the event recurrence of native/;
tests/calibration holds one against the other. Psum FIFOs are taken to hold a window's psums (DEVIATIONS 24).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from simulator.analytic.elementwise import Whole, chosen, larger, smaller
from simulator.results import PeState
from simulator.spec.accelerator import Accelerator, PooledSpad
from simulator.spec.layer import Layer

_SEND_TO_ISSUE = 4  # cycles: bus, FIFO, spad, first MAC slot; and the cycle after which a freed place is seen


class PassKind(NamedTuple):
    """A pass by what decides its time: images n, ofmap rows e, groups g, p filters and q channels interleaved, r and t
    sets of them; reads_psums where earlier channels have left psums in the GLB."""

    n: Whole
    e: Whole
    g: Whole
    p: Whole
    q: Whole
    r: Whole
    t: Whole
    reads_psums: bool


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
    hop: int


class _Paths(NamedTuple):
    """Cycles, from the end of the filter load, of the paths that can be the longest.

    slots     the last column's PEs get their first word when the bus has served all others, then never wait for more
    mixed     the bus sets the pace until the last image's first window, the PEs from there on
    bus       the bus sets the pace to the last word
    arrivals  the first window's psums come from the GLB, one column after another
    """

    slots: Whole
    mixed: Whole
    bus: Whole
    arrivals: Whole | int

    @property
    def longest(self) -> Whole:
        return larger(larger(self.slots, self.mixed), larger(self.bus, self.arrivals))


def pass_times(layer: Layer, kind: PassKind, accelerator: Accelerator) -> tuple[Whole, Whole]:
    """(cycles in which filters load, cycles from there to the end of the pass)."""
    filters = _filter_cycles(layer, kind, accelerator)
    return filters, _paths(layer, kind, _rhythm(layer, kind, accelerator)).longest + 1


def mapped_pes(layer: Layer, kind: PassKind) -> Whole:
    return kind.r * layer.R * kind.g * kind.t * kind.e


def pass_states(layer: Layer, kind: PassKind, accelerator: Accelerator) -> Mapping[PeState, Whole]:
    """PE-cycles of the mapped PEs in each state; they add up to the pass's cycles x mapped PEs.

    ACTIVE and FILTER_LOAD are the simulator's, the waits are apportioned (DEVIATIONS 23): a PE waits for its first
    word, then until the PEs below have theirs; what is left of its idle time is the wait for whatever sets the pace.
    """
    z, filters = _rhythm(layer, kind, accelerator), _filter_cycles(layer, kind, accelerator)
    paths, mapped = _paths(layer, kind, z), mapped_pes(layer, kind)
    active = mapped * z.windows * z.slots
    by_bus, by_psums = _pace(z, paths)
    idle = mapped * (paths.longest + 1) - active
    drain = smaller(idle, _drain(layer, kind, z, paths.bus > larger(paths.slots, paths.mixed), by_psums))
    first = smaller(idle - drain, _until_first_words(layer, kind, z))
    below = smaller(idle - drain - first, kind.e * kind.g * kind.t * _behind_below(layer, kind, z))
    rest = idle - drain - first - below
    own = chosen(by_psums, 0 * rest, chosen(by_bus, _share_for_own_words(layer, kind, z, rest), rest))
    out = 0 * rest if kind.reads_psums else chosen(by_psums, rest, 0 * rest)
    return MappingProxyType(
        {
            PeState.ACTIVE: active,
            PeState.FILTER_LOAD: filters * mapped,
            PeState.IFMAP_WAIT: first + own,
            PeState.PSUM_IN_WAIT: below + rest - own - out,
            PeState.PSUM_OUT_WAIT: out,
            PeState.DRAIN: drain,
        }
    )


def _rhythm(layer: Layer, kind: PassKind, accelerator: Accelerator) -> _Rhythm:
    noc, pe = accelerator.noc, accelerator.pe
    beat = max(1, noc.gin_ifmap_bits // layer.ifmap_bits)
    words, new = kind.q * layer.S, kind.q * min(layer.S, layer.V)
    window, step = -(-words // beat), -(-new // beat)
    row_sets = _tile_rows(layer, kind.e) * kind.g * kind.r
    column = -(-kind.p // max(1, noc.gon_psum_bits // layer.psum_bits))
    return _Rhythm(
        windows=kind.n * layer.F,
        slots=kind.p * words,
        first=row_sets * window,
        later=row_sets * step,
        psums=kind.e * kind.g * kind.t * column,
        column=column,
        window=window,
        step=step,
        words=words,
        new=new,
        room=pe.ifmap_fifo_words + _ifmap_spad_words(layer, kind, accelerator) - words,
        row_sets=row_sets,
        chain=kind.r * layer.R,
        hop=pe.pipeline_stages + 1,
    )


def _paths(layer: Layer, kind: PassKind, z: _Rhythm) -> _Paths:
    pace, later_windows = larger(z.slots, z.psums), z.windows - 1
    start, after = z.first - z.window, _tail(layer, kind, z, z.window)
    image = z.first + (layer.F - 1) * z.later
    last, last_words = (z.step, z.new) if layer.F > 1 else (z.window, z.words)
    arrivals = z.psums - z.column + kind.p + z.hop * z.chain + later_windows * pace - 1
    return _Paths(
        slots=start + z.slots + later_windows * pace + _blocked(layer, kind, z) + after,
        mixed=(kind.n - 1) * image + start + z.slots + (layer.F - 1) * pace + after,
        bus=kind.n * image - last + last_words * kind.p + _tail(layer, kind, z, last),
        arrivals=arrivals if kind.reads_psums else 0,
    )


def _tail(layer: Layer, kind: PassKind, z: _Rhythm, spacing: Whole) -> Whole:
    """From the last slot of the last column to the last psum on the bus: up the chain, in which every set waits for its
    own words `spacing` after those of the set below; then behind the columns that finish with it."""
    up = larger(z.hop * layer.R + 0 * z.chain, z.hop * z.chain - (kind.r - 1) * spacing)
    same_group = (kind.t - 1) * z.column
    same_row = (kind.g * kind.t - 1) * z.column - (kind.g - 1) * kind.r * spacing
    rows_before = z.row_sets - (layer.R * kind.g - kind.g + 1) * kind.r
    all_columns = z.psums - z.column - rows_before * spacing
    return up + larger(larger(same_group, same_row), all_columns)


def _blocked(layer: Layer, kind: PassKind, z: _Rhythm) -> Whole:
    """Cycles lost where the bus stands before a PE that has no room, and PEs behind it in the bus's order run dry.

    Only where all of a window's words are new does this cost: at each image, or in each window if none overlap.
    """
    R, spare = layer.R, larger(0 * z.slots, z.psums - z.slots)
    sets_climb = (kind.r - 1) * larger(0 * z.window, z.hop * R - z.window)
    same_burst = _SEND_TO_ISSUE - z.window - z.room * kind.p + (R - 1) * (kind.g * kind.r * z.window + z.hop)
    if R > 1:
        same_burst = same_burst + sets_climb
    if layer.F == 1 or layer.V >= layer.S:
        windows_ahead = -(-(z.room + 1) // z.words)
        return (z.windows - 1) // windows_ahead * larger(0 * spare, same_burst - spare)
    next_window = _SEND_TO_ISSUE + z.first - z.window - z.slots - (z.words - z.new + z.room) * kind.p
    next_window = next_window + sets_climb + (R - 1) * (z.hop + kind.g * kind.r * z.step)
    return (kind.n - 1) * larger(0 * spare, larger(same_burst, next_window) - spare)


def _pace(z: _Rhythm, paths: _Paths) -> tuple[Whole, Whole]:
    """Is it the ifmap bus, is it the psum bus? 1 or 0 each."""
    by_bus = 1 * (larger(paths.bus, paths.mixed) > paths.slots) * (z.later > z.slots)
    by_psums = (paths.slots >= larger(paths.bus, paths.mixed)) * (z.psums > larger(z.slots, z.later))
    return by_bus, 1 * by_psums


def _drain(layer: Layer, kind: PassKind, z: _Rhythm, to_the_last: Whole, by_psums: Whole) -> Whole:
    """PE-cycles after a PE's last slot: columns finish one after another, the PEs of a column from below."""
    e, g, t = kind.e, kind.g, kind.t
    columns = e * g * t
    spacing = chosen(to_the_last, z.step if layer.F > 1 else z.window, z.window)
    rows = g * t * min(layer.R, layer.U) * g * kind.r * spacing * _pairs(e) + e * t * kind.r * spacing * _pairs(g)
    sets = e * g * z.column * _pairs(t) if kind.reads_psums else columns * (t - 1) * z.column
    earlier = chosen(by_psums, z.column * _pairs(columns), rows + sets)
    return earlier * z.chain + columns * (z.chain * (z.hop - 1) + z.hop * _pairs(z.chain))


def _until_first_words(layer: Layer, kind: PassKind, z: _Rhythm) -> Whole:
    """PE-cycles until each mapped PE's first ifmap word: its tile row, group and set in the order of the bus."""
    sets = kind.g * kind.r
    rows = layer.R * min(layer.R, layer.U) * _pairs(kind.e) + kind.e * _pairs(layer.R)
    places = rows * sets * sets + kind.e * layer.R * _pairs(sets)
    return kind.t * (places * z.window + 2 * kind.e * layer.R * sets)


def _behind_below(layer: Layer, kind: PassKind, z: _Rhythm) -> Whole:
    """Over one column's PEs: cycles by which the first psum from below comes after a PE's own words."""
    a_row, a_set = _lateness(layer, kind, z.window, z.hop)
    return kind.r * _pairs(layer.R) * a_row + layer.R * _pairs(kind.r) * a_set


def _lateness(layer: Layer, kind: PassKind, spacing: Whole, hop: int) -> tuple[Whole, Whole]:
    """The psum from below is late by so much for each filter row above the set's last, and for each set below."""
    return kind.g * kind.r * spacing + hop, larger(0 * spacing, hop * layer.R - spacing)


def _share_for_own_words(layer: Layer, kind: PassKind, z: _Rhythm, idle: Whole) -> Whole:
    """Of PE-cycles idle because the bus sets the pace: those that wait for a PE's own words, not for the PE below."""
    gap = larger(1 + 0 * z.slots, z.later - z.slots)
    a_row, a_set = _lateness(layer, kind, z.step, z.hop)
    own = 0 * gap
    for row in range(layer.R):
        left = larger(0 * gap, gap - row * a_row)
        sets = smaller(kind.r, chosen(a_set > 0, -(-left // larger(1 + 0 * a_set, a_set)), kind.r))
        own = own + sets * left - a_set * _pairs(sets)
    return idle * own // (z.chain * gap)


def _filter_cycles(layer: Layer, kind: PassKind, accelerator: Accelerator) -> Whole:
    """Each row of a set takes its own filters, a beat a cycle."""
    beat = max(1, accelerator.noc.gin_filter_bits // layer.filter_bits)
    return kind.r * layer.R * kind.g * kind.t * -(-(kind.p * kind.q * layer.S) // beat)


def _tile_rows(layer: Layer, e: Whole) -> Whole:
    """Ifmap rows of a tile that some PE takes; rows between strides go to none."""
    return (e - 1) * min(layer.U, layer.R) + layer.R


def _ifmap_spad_words(layer: Layer, kind: PassKind, accelerator: Accelerator) -> Whole | int:
    spads = accelerator.pe.spads
    if isinstance(spads, PooledSpad):
        others = kind.p * kind.q * layer.S * layer.filter_bits + kind.p * layer.psum_bits
        return (spads.words * accelerator.word_bits - others) // layer.ifmap_bits
    return spads.ifmap_words * accelerator.word_bits // layer.ifmap_bits


def _pairs(count: Whole) -> Whole:
    """0 + 1 + … + (count - 1)."""
    return count * (count - 1) // 2
