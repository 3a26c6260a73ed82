"""One layer's run as it is watched, put on the tracks of a trace: what lies in the window, cut at its edges."""

import numpy as np

from simulator.counts import Access, Action, Level, Tensor
from simulator.energy import energy_per_bit, energy_per_mac
from simulator.hardware.pe_array import PassPlan
from simulator.hardware.watch import Transfer
from simulator.hardware.zeros import count_pass_slots, slot_accesses, slots_done
from simulator.mapping.fits import banks_taken
from simulator.mapping.passes import ProcessingPass
from simulator.results import LayerResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.tensors import LayerTensors
from simulator.timeline.pass_record import PassRecord, PassRecords, changes_before
from simulator.timeline.series import Series
from simulator.timeline.trace_file import TraceFile
from simulator.timeline.tracks import Track
from simulator.timeline.window import LayerWindow

MOST_SLICES = 2_000_000
"""In a file, give or take those of transfers: about 120 MB."""

_MOVES = {
    Tensor.IFMAP: ("ifmap read", Action.READ, Track.GLB_IFMAP, Action.FILL),
    Tensor.FILTER: ("filter read", Action.READ, Track.GLB_FILTER, Action.FILL),
    Tensor.PSUM: ("ofmap write", Action.WRITE, Track.GLB_PSUM_READ, Action.DUMP),
}
_ENERGIES = {Level.SPAD: Track.ENERGY_SPAD, Level.NOC: Track.ENERGY_NOC, Level.GLB: Track.ENERGY_GLB}


class LayerRecorder:
    """A Watch that writes what it sees. `layer` and `tensors` are those that run: folded, where they must be.

    Times that it is shown are of the layer's clock; those that it writes are of the run's.
    """

    def __init__(
        self,
        trace: TraceFile,
        window: LayerWindow,
        run: tuple[Layer, LayerTensors],
        accelerator: Accelerator,
        step: int,
    ) -> None:
        self._trace, self._start, self._first, self._end = trace, window.start, window.first, window.end
        self._layer, self._tensors = run
        self._accelerator = accelerator
        self._records = PassRecords(accelerator)
        self._edges = np.append(np.arange(window.first, window.end, step), window.end)
        tracks = (*_ENERGIES.values(), Track.ENERGY_MAC, Track.ENERGY_DRAM, Track.ISSUING)
        self._rates = {track: Series(self._edges, step) for track in tracks}
        self._held = {
            track: Series(self._edges, step) for track in (Track.IFMAP_WORDS, Track.PSUM_WORDS, Track.FILTER_WORDS)
        }
        self._ifmap_words = 0
        self._passes = 0
        self._last_seen = 0
        self.is_full = False

    @property
    def end(self) -> int:
        """The cycle up to which everything is written: the window's end, or where the file was full."""
        return self._end

    @property
    def has_seen_enough(self) -> bool:
        """A transfer has ended that late: the link is serial, so all that began before the end has been seen."""
        return self._last_seen >= self._end

    # ---- transfers ----

    def moved(self, transfer: Transfer) -> None:
        self._last_seen = transfer.end
        self._hold(transfer)
        if not transfer.cycles:
            return
        name, action, glb_track, glb_action = _MOVES[transfer.tensor]
        words = self._part_of(transfer, transfer.words)
        notes: dict[str, int | str] = {"words": words, "bits": self._part_of(transfer, transfer.bits)}
        self._slice(Track.DRAM, name, (transfer.begin, transfer.end), notes)
        price = energy_per_bit(Access(Level.DRAM, transfer.tensor, action), self._accelerator)
        self._spend(Track.ENERGY_DRAM, transfer, transfer.bits * price)
        if transfer.tensor in self._accelerator.glb.bypass:
            return
        self._slice(glb_track, glb_action.value, (transfer.begin, transfer.end), {"words": words})
        price = energy_per_bit(Access(Level.GLB, transfer.tensor, glb_action), self._accelerator)
        self._spend(Track.ENERGY_GLB, transfer, transfer.words * self._accelerator.word_bits * price)

    def _part_of(self, transfer: Transfer, amount: int) -> int:
        """Of what a transfer moves, evenly over its cycles, what it moves in the window: whole words, and such that
        windows side by side have all of them."""
        first, end = (min(max(at - transfer.begin, 0), transfer.cycles) for at in (self._first, self._end))
        return amount * end // transfer.cycles - amount * first // transfer.cycles

    def _spend(self, track: Track, transfer: Transfer, energy: float) -> None:
        self._rates[track].add_evenly(transfer.begin, transfer.cycles, energy)

    def _hold(self, transfer: Transfer) -> None:
        if transfer.tensor is Tensor.IFMAP:  # takes the place of the tile before
            self._held[Track.IFMAP_WORDS].add(transfer.begin, np.array([0, -self._ifmap_words]))
            self._ifmap_words = transfer.words
        if not transfer.cycles or transfer.tensor in self._accelerator.glb.bypass:
            return
        track = {
            Tensor.IFMAP: Track.IFMAP_WORDS, Tensor.FILTER: Track.FILTER_WORDS, Tensor.PSUM: Track.PSUM_WORDS
        }[transfer.tensor]  # fmt: skip
        words = -transfer.words if transfer.tensor is Tensor.PSUM else transfer.words
        self._held[track].add_evenly(transfer.begin, transfer.cycles, words)

    # ---- passes ----

    def pass_begins(self, step: ProcessingPass, plan: PassPlan, begin: int) -> None:
        self._passes += 1
        before = self._first - begin
        if before > 0:
            psums, filters = changes_before(plan, before)
            self._change_held(begin, np.array([0, psums]), np.array([0, filters]))
        cycles = range(max(before, 0), min(self._end - begin, plan.times.cycles))
        if not cycles:
            return
        records = list(self._records.of(plan, cycles))
        if self._trace.slices + sum(len(record.block) for record in records) > MOST_SLICES:
            self._end, self.is_full = max(self._first, begin), True
            return
        self._write_pass(step, plan, begin)
        self._spend_on_slots(step, plan, begin, records)
        for record in records:
            self._trace.write(record.block, self._start + begin)
            for level, energy in record.energy.items():
                self._rates[_ENERGIES[level]].add(begin + record.first, energy)
            self._change_held(begin + record.first, record.psums, record.filters)

    def _write_pass(self, step: ProcessingPass, plan: PassPlan, begin: int) -> None:
        tile, times = step.tile, plan.times
        notes: dict[str, int | str] = {
            "pass": self._passes,
            "images": _span(tile.images.start, tile.images.stop),
            "groups": _span(tile.groups.start, tile.groups.stop),
            "channels": _span(step.channels.start, step.channels.stop),
            "filters": _span(step.filters.start, step.filters.stop),
            "ofmap rows": _span(tile.rows.start, tile.rows.stop),
            "PEs": plan.shape.mapped_pes,
        }
        self._slice(Track.LAYERS, "pass", (begin, begin + times.cycles), notes)
        self._slice(Track.LAYERS, "load filters", (begin, begin + times.filter_cycles), {})

    def _spend_on_slots(self, step: ProcessingPass, plan: PassPlan, begin: int, records: list[PassRecord]) -> None:
        """What the pass's MAC slots cost with the zeros that they meet: the same for each slot of the pass."""
        machine = self._accelerator
        slots = count_pass_slots(step, self._layer, self._tensors)
        done = int(slots_done(slots, machine.gating.mac).sum())
        mac = done * energy_per_mac(self._layer, machine) / plan.times.active
        words = slot_accesses(slots, machine.gating).items()
        spad = sum(count * energy_per_bit(access, machine) for access, count in words) * machine.word_bits
        for record in records:
            self._rates[Track.ISSUING].add(begin + record.first, record.macs)
            self._rates[Track.ENERGY_MAC].add(begin + record.first, record.macs, mac)
            self._rates[Track.ENERGY_SPAD].add(begin + record.first, record.macs, spad / plan.times.active)

    def _change_held(self, begin: int, psums: np.ndarray, filters: np.ndarray) -> None:
        self._held[Track.PSUM_WORDS].add(begin, psums)
        if Tensor.FILTER not in self._accelerator.glb.bypass:
            self._held[Track.FILTER_WORDS].add(begin, filters, -1)

    # ---- the layer ----

    def layer_begins(self, result: LayerResult) -> None:
        ifmap_banks, psum_banks = banks_taken(result.mapping, self._layer, self._accelerator)
        notes: dict[str, int | str] = {
            "cycles": result.total_cycles,
            "passes": result.passes,
            "ifmap banks": ifmap_banks,
            "psum banks": psum_banks,
        }
        self._slice(Track.LAYERS, result.layer.name, (0, result.total_cycles), notes)

    def layer_ends(self) -> None:
        """Write the counters, as far as the file was not full, and zeros after them."""
        whole = int(np.searchsorted(self._edges, self._end, side="right")) - 1
        times = self._edges[: whole + 1] + self._start
        series = [(track, each.rates) for track, each in self._rates.items()]
        series += [(track, each.totals) for track, each in self._held.items()]
        for track, values in series:
            self._trace.counter(track, times, np.append(values[:whole], 0.0))

    def _slice(self, track: Track, name: str, times: tuple[int, int], notes: dict[str, int | str]) -> None:
        begin, end = (min(max(at, self._first), self._end) for at in times)
        if begin < end:
            self._trace.slice(track, name, (begin + self._start, end + self._start), notes)


def _span(first: int, end: int) -> str:
    return f"{first}–{end - 1}"
