"""What is computed: one CONV or FC layer. Which tensors it works on is in tensors.py, how it is mapped in mapping/."""

from dataclasses import dataclass, replace

from simulator.errors import SpecError

Padding = tuple[int, int, int, int]
_LARGEST = (1 << 31) - 1
"""The kernels take sizes and strides as 32-bit integers."""
_WIDEST = 16
"""Bits of a machine word (Accelerator.word_bits)."""
_MOST_MACS = 1 << 48
"""Counts are some accesses for each MAC, in 64 bits; a float holds them exactly up to 2**53."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One 2-D convolution, in the letters of the Eyeriss papers; an FC layer is one with R = H, S = W, E = F = 1.

    N  images in the batch                 M  filters = ofmap channels, over all groups
    C  ifmap channels, over all groups     H, W  ifmap height and width, without padding
    R, S  filter height and width          U, V  vertical and horizontal stride (the papers have one: U = V)
    G  groups; each of M/G filters sees C/G channels (depthwise: G = C)
    padding  zeros around the ifmap: (top, left, bottom, right), the order of ONNX `pads`
    E, F  ofmap height and width, derived
    from_input  the ifmap is the network's own input, which the chip does not run-length code
    ifmap_bits, filter_bits, psum_bits  width of a word of each tensor, for buffers that hold more of narrower words;
                ofmap words leave for DRAM with ifmap_bits: they are the next layer's activations
    """

    name: str
    N: int
    M: int
    C: int
    H: int
    W: int
    R: int
    S: int
    U: int = 1
    V: int = 1
    G: int = 1
    padding: Padding = (0, 0, 0, 0)
    from_input: bool = False
    ifmap_bits: int = 16
    filter_bits: int = 16
    psum_bits: int = 16

    def __post_init__(self) -> None:
        if not self.name.isprintable():
            raise SpecError(f"{self.name!r}: a layer's name is one line of printable characters; rename it")
        for letter in "NMCHWRSUVG":
            _check_size(self.name, letter, getattr(self, letter))
        for tensor in ("ifmap", "filter", "psum"):
            _check_width(self.name, f"{tensor}_bits", getattr(self, f"{tensor}_bits"))
        if min(self.padding) < 0:
            raise SpecError(f"{self.name}: padding {self.padding} is negative; crop the ifmap instead")
        _check_size(self.name, "padded height", self.padded_height)
        _check_size(self.name, "padded width", self.padded_width)
        if self.C % self.G or self.M % self.G:
            raise SpecError(
                f"{self.name}: {self.G} groups do not divide C = {self.C} channels and M = {self.M} filters"
            )
        if self.R > self.padded_height or self.S > self.padded_width:
            raise SpecError(
                f"{self.name}: a {self.R}x{self.S} filter is larger than its padded "
                f"{self.padded_height}x{self.padded_width} ifmap; nothing would be computed"
            )
        if max(self.macs, self.N * self.C * self.H * self.W) > _MOST_MACS:
            raise SpecError(f"{self.name}: more than 2**48 MACs or ifmap words; lower the batch or the layer's sizes")

    @property
    def padded_height(self) -> int:
        return self.H + self.padding[0] + self.padding[2]

    @property
    def padded_width(self) -> int:
        return self.W + self.padding[1] + self.padding[3]

    @property
    def E(self) -> int:
        """Ofmap height."""
        return (self.padded_height - self.R) // self.U + 1

    @property
    def F(self) -> int:
        """Ofmap width."""
        return (self.padded_width - self.S) // self.V + 1

    @property
    def is_fc(self) -> bool:
        """One ofmap value a filter: the layer is a matrix product."""
        return self.E == self.F == 1

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the whole batch, those on padding included, as the papers count them."""
        return self.N * self.M * self.E * self.F * (self.C // self.G) * self.R * self.S

    @property
    def ifmap_shape(self) -> tuple[int, int, int, int]:
        return (self.N, self.C, self.H, self.W)

    @property
    def filter_shape(self) -> tuple[int, int, int, int]:
        return (self.M, self.C // self.G, self.R, self.S)

    @property
    def ofmap_shape(self) -> tuple[int, int, int, int]:
        return (self.N, self.M, self.E, self.F)

    def with_batch(self, batch: int) -> "Layer":
        return replace(self, N=batch)


def _check_size(layer: str, what: str, size: int) -> None:
    if size < 1:
        raise SpecError(f"{layer}: {what} = {size}; every dimension must be at least 1")
    if size > _LARGEST:
        raise SpecError(f"{layer}: {what} = {size}; every dimension must be below 2**31")


def _check_width(layer: str, what: str, bits: int) -> None:
    if not 1 <= bits <= _WIDEST:
        raise SpecError(f"{layer}: {what} = {bits}; a word has 1 to {_WIDEST} bits, the machine's word")
