"""What the buses carry in a pass, from its shape alone. The stepper counts the same words as they cross; a run with
values compares the two, pass by pass."""

from native.pe_array import PassShape, PassTraffic
from simulator.mapping.passes import ProcessingPass
from simulator.spec.layer import Layer

Stored = tuple[int, int, int, int]


def stored_part(step: ProcessingPass, layer: Layer) -> Stored:
    """(first row, end row, first column, end column) of the pass's ifmap tile that is not padding."""
    top, left = layer.padding[0], layer.padding[1]
    first = step.tile.rows.start * layer.U
    rows = (len(step.tile.rows) - 1) * layer.U + layer.R
    columns = (layer.F - 1) * layer.V + layer.S
    return (
        min(max(top - first, 0), rows),
        max(min(top + layer.H - first, rows), 0),
        min(left, columns),
        min(left + layer.W, columns),
    )


def pass_traffic(shape: PassShape, stored: Stored) -> PassTraffic:
    """Words over each boundary. An ifmap word is sent once, to all PEs of its diagonal in all sets that share it."""
    stacks, outputs = shape.g * shape.t, shape.n * shape.F * shape.g * shape.t * shape.e * shape.p
    filters = shape.r * shape.R * stacks * shape.p * shape.q * shape.S
    rows_sent = _used(shape.e, shape.U, shape.R, stored[0], stored[1])
    columns_sent = _used(shape.F, shape.V, shape.S, stored[2], stored[3])
    return PassTraffic(
        ifmap_sent=shape.n * shape.g * shape.r * shape.q * rows_sent * columns_sent,
        ifmap_delivered=shape.mapped_pes * shape.ifmap_words,
        filter_sent=filters,
        filter_delivered=filters * shape.e,
        psum_delivered=outputs if shape.psum_in else 0,
        psum_hops=outputs * (shape.r * shape.R - 1),
        psum_collected=outputs,
    )


def _used(positions: int, stride: int, taps: int, first: int, end: int) -> int:
    """How many of the coordinates first..end-1 some position x and tap s meets as x*stride + s."""
    met = {x * stride + s for x in range(positions) for s in range(taps)}
    return sum(first <= coordinate < end for coordinate in met)
