"""The machine as data: what an accelerator file may say, and what each field means.

These models are both the file's schema and the frozen spec used everywhere. An access that a machine does not charge, a
zero that it gates, a tensor that it codes: all are fields here, never code elsewhere.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from simulator.counts import MEANING, Access, Tensor
from simulator.errors import near_miss, suggestion

Count = Annotated[int, Field(ge=1, lt=1 << 31)]
# Upper bounds keep every product of counts, cycles and costs finite.
Cost = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
Phrase = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
MHz = Annotated[float, Field(ge=1e-6, le=1e6, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class PeArray(_Part):
    """Rows and columns of processing elements; psums move up a column. A thousand of each is beyond any machine yet."""

    rows: Annotated[int, Field(ge=1, le=1024)]
    columns: Annotated[int, Field(ge=1, le=1024)]


class SeparateSpads(_Part):
    """Three spads in each PE, each for one tensor (16-bit words)."""

    kind: Literal["separate"]
    ifmap_words: Count
    filter_words: Count
    psum_words: Count


class PooledSpad(_Part):
    """One store in each PE for p*q*S filter, q*S ifmap and p psum words."""

    kind: Literal["pooled"]
    words: Count


class Pe(_Part):
    """One processing element: one MAC slot a cycle."""

    pipeline_stages: Count
    """Cycles from issuing a window's last MAC slot to its psum being at the output FIFO."""
    ifmap_fifo_words: Count
    psum_fifo_words: Count
    spads: Annotated[SeparateSpads | PooledSpad, Field(discriminator="kind")]


class GlobalBuffer(_Part):
    """`banks` banks, each at one time all ifmap or all psum, and the filter prefetch buffer."""

    banks: Count
    bank_words: Count
    filter_buffer_words: Count
    bypass: tuple[Tensor, ...] = ()
    """Tensors that go between DRAM and array without being stored here."""

    @field_validator("bypass", mode="before")
    @classmethod
    def _as_tensors(cls, value: object) -> object:
        return _enums_of(Tensor, value)

    @field_validator("bypass")
    @classmethod
    def _only_filters(cls, value: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if set(value) - {Tensor.FILTER}:
            raise ValueError("only 'filter' can bypass the GLB: ifmap and psum tiles are reused from it")
        return value


class Noc(_Part):
    """Widths of the buses: GIN (GLB to PEs, multicast), GON (PEs to GLB) and local network (PE to the PE above)."""

    gin_ifmap_bits: Count
    gin_filter_bits: Count
    gin_psum_bits: Count
    gon_psum_bits: Count
    local_psum_bits: Count
    """Never what a pass waits for, at one word or more: a PE passes on one psum a cycle."""


class Clock(_Part):
    core_mhz: MHz
    """Clock of the array and the GLB."""


class Dram(_Part):
    """The link to DRAM: `bits` in each cycle of its own clock, reads and writes sharing it."""

    clock_mhz: MHz
    bits: Count


class Gate(StrEnum):
    """Which zero removes an access."""

    NEVER = "never"
    ZERO_IFMAP = "zero_ifmap"
    ZERO_FILTER = "zero_filter"
    ZERO_EITHER = "zero_either"


class Gating(_Part):
    """For each thing a MAC slot does, the zero operand that stops it from being done. Cycles are never saved."""

    mac: Gate
    ifmap_spad_read: Gate
    filter_spad_read: Gate
    psum_spad_read: Gate
    psum_spad_write: Gate

    @field_validator("*", mode="before")
    @classmethod
    def _as_gate(cls, value: object) -> object:
        return _enums_of(Gate, value)


class RunLengthCode(_Part):
    """Pairs of (run of zeros, level); `pairs` of them and an end-of-code bit fill one link word."""

    run_bits: Annotated[int, Field(ge=1, le=31)]
    level_bits: Count
    pairs: Count
    word_bits: Count
    ifmap: bool
    """Ifmaps move coded, except the network's own input."""
    network_input: bool
    ofmap: bool
    filter: bool

    def codes_ifmap(self, *, from_input: bool) -> bool:
        """Does a layer's ifmap move coded, given whether it is the network's own input?"""
        return self.network_input if from_input else self.ifmap

    @model_validator(mode="after")
    def _fits_its_word(self) -> "RunLengthCode":
        bits = self.pairs * (self.run_bits + self.level_bits) + 1
        if bits > self.word_bits:
            raise ValueError(
                f"{self.pairs} pairs of {self.run_bits} + {self.level_bits} bits and an end bit take {bits} bits, "
                f"a code word has {self.word_bits}"
            )
        return self


class Arithmetic(_Part):
    """How the functional simulation adds: `exact` integers, or each product cut to `psum_bits` after an arithmetic
    right shift (truncation towards minus infinity), sums wrapping in two's complement."""

    psum: Literal["exact", "cut"]
    psum_bits: Annotated[int, Field(ge=2, le=32)] = 16
    product_shift: Annotated[int, Field(ge=0, le=31)] = 0

    @model_validator(mode="after")
    def _exact_needs_no_more(self) -> "Arithmetic":
        fields = type(self).model_fields
        idle = [name for name in ("psum_bits", "product_shift") if getattr(self, name) != fields[name].default]
        if self.psum == "exact" and idle:
            raise ValueError(f"psum = 'exact' leaves no use for {' and '.join(idle)}; take it out, or cut psums")
        return self


class Charges(_Part):
    """Accesses that happen and are counted, but cost no energy in this machine's convention, as
    `level.tensor.action`."""

    free: tuple[Access, ...] = ()
    why: str = ""

    @field_validator("free", mode="before")
    @classmethod
    def _as_accesses(cls, value: object) -> object:
        if not isinstance(value, list | tuple):
            return value
        _refuse_unknown(value)
        return tuple(item if isinstance(item, Access) else _ACCESSES[item] for item in value)


class EnergyCost(_Part):
    per_access: Cost
    """Energy of one MAC, or of one word accessed, in the table's unit."""
    source: Phrase


class EnergyTable(_Part):
    """What a MAC costs, and a word accessed at each level."""

    unit: Phrase
    mac: EnergyCost
    spad: EnergyCost
    noc: EnergyCost
    glb: EnergyCost
    dram: EnergyCost
    access: dict[str, EnergyCost] = {}
    """Costs of single accesses, each under its whole name and in place of its level's."""

    @field_validator("access", mode="before")
    @classmethod
    def _only_accesses(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        _refuse_unknown(value, "; quote the whole name")
        # Sorted, so that a file has one hash in whichever order its tables stand.
        return {str(name): value[name] for name in sorted(value, key=str)}

    def cost_of(self, access: Access) -> EnergyCost:
        """Cost of one word of an access, and its source: the access's own, else its level's."""
        of_level: EnergyCost = getattr(self, access.level.value)
        return self.access.get(str(access), of_level)


class Accelerator(_Part):
    """One accelerator. `sources` says, for each part of the file, where its numbers are from."""

    name: Annotated[str, Field(min_length=1)]
    description: str
    word_bits: Literal[16] = 16
    pe_array: PeArray
    pe: Pe
    glb: GlobalBuffer
    noc: Noc
    clock: Clock
    dram: Dram
    gating: Gating
    compression: RunLengthCode
    arithmetic: Arithmetic
    charges: Charges
    energy: EnergyTable
    sources: dict[str, str]

    @model_validator(mode="after")
    def _parts_agree(self) -> "Accelerator":
        """Every bus moves a whole word, every FIFO takes a whole beat, a coded level is a word."""
        faults = [
            f"noc.{name} = {bits} bits is narrower than a {self.word_bits}-bit word"
            for name, bits in self.noc.model_dump().items()
            if bits < self.word_bits
        ]
        for fifo, bus in (
            ("ifmap_fifo_words", "gin_ifmap_bits"),
            ("psum_fifo_words", "gin_psum_bits"),
            ("psum_fifo_words", "gon_psum_bits"),
        ):
            words, beat = getattr(self.pe, fifo), self.words_per_beat(getattr(self.noc, bus))
            if words < beat:
                faults.append(f"pe.{fifo} = {words} holds less than the {beat} words of one noc.{bus} beat")
        if self.compression.level_bits != self.word_bits:
            faults.append(
                f"compression.level_bits = {self.compression.level_bits} is not the {self.word_bits}-bit word"
            )
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def pes(self) -> int:
        return self.pe_array.rows * self.pe_array.columns

    def words_per_beat(self, bus_bits: int) -> int:
        """Whole words that a bus of that width moves in a cycle."""
        return max(1, bus_bits // self.word_bits)

    def dram_cycles(self, bits: int) -> float:
        """Core cycles that the DRAM link needs for so many bits, a link word at a time."""
        link_cycles = -(-bits // self.dram.bits)
        return link_cycles * self.clock.core_mhz / self.dram.clock_mhz


def _enums_of(kind: type[StrEnum], value: object) -> object:
    """Names as the members of an enum, so that a strict model takes them from a text file."""
    names = {member.value: member for member in kind}
    if isinstance(value, str):
        if value not in names:
            near = near_miss(value, names)
            hint = "" if near is None else f"; did you mean {near!r}?"
            raise ValueError(f"{value!r} is none of {', '.join(names)}{hint}")
        return names[value]
    if isinstance(value, list | tuple):
        return tuple(_enums_of(kind, item) for item in value)
    return value


_ACCESSES = {str(access): access for access in MEANING}


def _refuse_unknown(names: Iterable[object], hint: str = "") -> None:
    unknown = [name for name in names if str(name) not in _ACCESSES]
    if unknown:
        named = " or ".join(repr(name) for name in unknown)
        known = suggestion([str(name) for name in unknown], _ACCESSES, f"there are: {', '.join(_ACCESSES)}")
        raise ValueError(f"no access is called {named}{hint}; {known}")
