"""Is the simulated ofmap exactly the convolution, whatever the layer, the mapping and the zeros?

`simulate_layer(functional=True)` steps every pass with its values and raises where anything disagrees: each pass with
the times and traffic of its shape, the MAC slots with the tensors', the ofmap with `convolve`. `convolve` is checked
here against a loop over MACs, so that it cannot be wrong in the same way.
"""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from native.pe_array import PassShape, PassValues, SteppedPass, step_pass
from simulator.analytic.mapping_cost import dense_objective
from simulator.errors import ConservationError
from simulator.hardware import functional
from simulator.hardware.functional import convolve
from simulator.hardware.layer_run import simulate_layer
from simulator.mapping.fold import find_fold, fold_layer
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.mapping.search import find_mapping
from simulator.spec.accelerator import Accelerator, Arithmetic
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from simulator.spec.tensors import LayerTensors
from tests.strategies import fitting_mappings, small_layers, sparse_tensors

MACHINES = tuple(load_accelerator(name) for name in ("eyeriss-v1", "eyeriss-estimation", "isca16-256"))
EXACT = Arithmetic(psum="exact")
CUT = Arithmetic(psum="cut", psum_bits=16, product_shift=7)


def with_arithmetic(accelerator: Accelerator, arithmetic: Arithmetic) -> Accelerator:
    return accelerator.model_copy(update={"arithmetic": arithmetic})


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(MACHINES), st.sampled_from([EXACT, CUT]))
def test_any_layer_on_any_mapping(data: st.DataObject, accelerator: Accelerator, arithmetic: Arithmetic) -> None:
    layer = data.draw(small_layers())
    machine = with_arithmetic(accelerator, arithmetic)
    mapping = data.draw(fitting_mappings(layer, machine))
    tensors = data.draw(sparse_tensors(layer))
    stepped = simulate_layer(layer, tensors, mapping, machine, functional=True)
    assert stepped == simulate_layer(layer, tensors, mapping, machine)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.sampled_from([EXACT, CUT]))
def test_convolve_equals_a_loop_over_macs(data: st.DataObject, arithmetic: Arithmetic) -> None:
    layer = data.draw(small_layers().filter(lambda drawn: drawn.macs < 4000))
    tensors = data.draw(sparse_tensors(layer))
    assert np.array_equal(convolve(layer, tensors, arithmetic), looped(layer, tensors, arithmetic))


def test_the_cut_wraps_and_truncates() -> None:
    """-1 x 1 shifted right is -1, not 0; 32767 + 1 is -32768."""
    layer = Layer(name="two channels", N=1, M=1, C=2, H=1, W=1, R=1, S=1)
    tensors = one_output([32767, -1], [256, 1])
    assert convolve(layer, tensors, Arithmetic(psum="cut", product_shift=8)).item() == 32767 - 1
    tensors = one_output([32767, 256], [256, 1])
    assert convolve(layer, tensors, Arithmetic(psum="cut", product_shift=8)).item() == -32768


@pytest.mark.parametrize(("size", "filter_size"), [((20, 5), (13, 3)), ((5, 40), (2, 34)), ((30, 30), (24, 26))])
def test_filters_beyond_the_chip_run_folded(size: tuple[int, int], filter_size: tuple[int, int]) -> None:
    (H, W), (R, S) = size, filter_size
    layer = Layer(name="large", N=2, M=3, C=2, H=H, W=W, R=R, S=S, U=2, V=1, padding=(1, 0, 2, 1))
    machine = load_accelerator("eyeriss-v1")
    fold = find_fold(layer, machine)
    folded = fold_layer(layer, fold)
    mapping = find_mapping(folded, machine, dense_objective(folded, machine))
    rng = np.random.default_rng(1)
    ifmap, filters, ofmap = (
        rng.integers(-9, 9, shape).astype(np.int16)
        for shape in (layer.ifmap_shape, layer.filter_shape, layer.ofmap_shape)
    )
    tensors = LayerTensors(ifmap=ifmap, filters=filters, ofmap=ofmap)
    result = simulate_layer(layer, tensors, mapping, machine, functional=True)
    assert result.is_folded
    assert result.counts.macs == layer.macs


def test_an_ofmap_that_is_not_the_convolution_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, mapping = Layer(name="one", N=1, M=1, C=1, H=3, W=3, R=2, S=2), only_mapping()
    tensors = LayerTensors(
        ifmap=np.ones((1, 1, 3, 3), np.int16),
        filters=np.ones((1, 1, 2, 2), np.int16),
        ofmap=np.ones((1, 1, 2, 2), np.int16),
    )
    whole = step_pass

    def one_psum_off(shape: PassShape, values: PassValues) -> SteppedPass:
        stepped = whole(shape, values)
        stepped.psums[0, 0, 0, 0, 0] += 1
        return stepped

    monkeypatch.setattr(functional, "step_pass", one_psum_off)
    with pytest.raises(
        ConservationError, match="one: the ofmap that came out of the array is not the layer's convolution"
    ):
        simulate_layer(layer, tensors, mapping, MACHINES[0], functional=True)


def only_mapping() -> RowStationaryMapping:
    return RowStationaryMapping(m=1, n=1, e=1, p=1, q=1, r=1, t=1)


def one_output(words: list[int], weights: list[int]) -> LayerTensors:
    return LayerTensors(
        ifmap=np.array(words, np.int16).reshape(1, -1, 1, 1),
        filters=np.array(weights, np.int16).reshape(1, -1, 1, 1),
        ofmap=np.zeros((1, 1, 1, 1), np.int16),
    )


def looped(layer: Layer, tensors: LayerTensors, arithmetic: Arithmetic) -> np.ndarray:
    top, left = layer.padding[:2]
    ofmap = np.zeros(layer.ofmap_shape, np.int64)
    for n, m, y, x in np.ndindex(*layer.ofmap_shape):
        total, group = 0, m // (layer.M // layer.G)
        for c, i, s in product(range(layer.C // layer.G), range(layer.R), range(layer.S)):
            row, column = y * layer.U + i - top, x * layer.V + s - left
            if 0 <= row < layer.H and 0 <= column < layer.W:
                word = int(tensors.ifmap[n, group * (layer.C // layer.G) + c, row, column])
                product_ = word * int(tensors.filters[m, c, i, s])
                total += product_ if arithmetic.psum == "exact" else product_ // 2**arithmetic.product_shift
        if arithmetic.psum == "cut":
            total = (total + 2**15) % 2**16 - 2**15
        ofmap[n, m, y, x] = total
    return ofmap
