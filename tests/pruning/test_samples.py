"""Are the sums over samples those of the layer's own convolution?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruning.samples import Gram, as_columns, as_filters, draw_positions, images_for, input_windows, layer_gram
from simulator.errors import PruningError
from simulator.spec.layer import Layer
from tests.oracles.pruning_layer import window
from tests.strategies import small_layers

LAYER = Layer(name="conv", N=1, M=4, C=3, H=5, W=5, R=3, S=3, padding=(1, 1, 1, 1))


def tensors(layer: Layer, images: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    inputs = np.maximum(rng.standard_normal((images, layer.C, layer.H, layer.W), np.float32), 0)
    return inputs, rng.standard_normal(layer.filter_shape, np.float32)


@given(small_layers(), st.integers(0, 100))
def test_windows_are_what_the_filters_meet(layer: Layer, seed: int) -> None:
    inputs, _ = tensors(layer)
    positions = draw_positions(layer, 2, 7, seed)
    found = input_windows(layer, inputs, positions)
    expected = np.stack([window(layer, inputs, int(position)) for position in positions], axis=1)
    np.testing.assert_array_equal(found, expected)


@given(small_layers())
def test_sums_are_those_of_the_samples(layer: Layer) -> None:
    inputs, filters = tensors(layer)
    now = np.where(inputs > 0.3, inputs, 0)
    positions = draw_positions(layer, 2, 11, 0)
    gram = layer_gram(layer, now, positions, original_inputs=inputs, original_weights=filters)
    x, original = (np.asarray(input_windows(layer, each, positions), np.float64) for each in (now, inputs))
    y = original @ as_columns(filters, layer.G)
    for found, expected in ((gram.xx, x.swapaxes(1, 2) @ x), (gram.xy, x.swapaxes(1, 2) @ y), (gram.yy, (y**2).sum(1))):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    columns = as_columns(filters, layer.G) / 2
    np.testing.assert_allclose(gram.residual(columns), ((y - x @ columns) ** 2).sum(1), rtol=1e-3, atol=1e-3)
    assert gram.samples == len(positions)


def test_the_original_network_has_no_residual() -> None:
    inputs, filters = tensors(LAYER)
    positions = draw_positions(LAYER, 2, 40, 0)
    gram = layer_gram(LAYER, inputs, positions, original_inputs=inputs, original_weights=filters)
    assert gram.residual(as_columns(filters, 1)).sum() < 1e-5 * gram.yy.sum()


@given(small_layers())
def test_columns_and_back(layer: Layer) -> None:
    filters = tensors(layer)[1]
    np.testing.assert_array_equal(as_filters(as_columns(filters, layer.G), layer.filter_shape), filters)


def test_positions_are_drawn_without_repeats_and_by_seed() -> None:
    drawn = draw_positions(LAYER, 10, 100, 1)
    assert len(np.unique(drawn)) == 100
    assert drawn.max() < 10 * 25
    np.testing.assert_array_equal(drawn, draw_positions(LAYER, 10, 100, 1))
    assert (drawn != draw_positions(LAYER, 10, 100, 2)).any()
    np.testing.assert_array_equal(draw_positions(LAYER, 2, 999, 1), np.arange(50))


def test_blocks_of_samples_do_not_change_the_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, filters = tensors(LAYER, images=8)
    positions = draw_positions(LAYER, 8, 200, 0)
    whole = layer_gram(LAYER, inputs, positions, original_inputs=inputs, original_weights=filters)
    monkeypatch.setattr("pruning.samples._BLOCK_WORDS", 31 * 3)
    blocks = layer_gram(LAYER, inputs, positions, original_inputs=inputs, original_weights=filters)
    np.testing.assert_allclose(blocks.xx, whole.xx, rtol=1e-6)
    np.testing.assert_allclose(blocks.xy, whole.xy, rtol=1e-5, atol=1e-5)


def test_bad_inputs_are_named() -> None:
    inputs, filters = tensors(LAYER)
    positions = draw_positions(LAYER, 2, 5, 0)
    not_finite = inputs.copy()
    not_finite[0, 0, 0, 0] = np.nan
    with pytest.raises(PruningError, match="conv: 1 inputs that are NaN or infinite; check the preprocessing"):
        layer_gram(LAYER, not_finite, positions, original_inputs=inputs, original_weights=filters)
    with pytest.raises(PruningError, match=r"conv: original inputs of shape \(2, 3, 4, 5\); it takes \(N, 3, 5, 5\)"):
        layer_gram(LAYER, inputs, positions, original_inputs=inputs[:, :, 1:], original_weights=filters)
    with pytest.raises(PruningError, match="conv: weights of shape"):
        layer_gram(LAYER, inputs, positions, original_inputs=inputs, original_weights=filters[:2])
    with pytest.raises(PruningError, match="conv: 108 weights that are NaN or infinite; repair the model"):
        layer_gram(LAYER, inputs, positions, original_inputs=inputs, original_weights=filters * np.float32(np.inf))
    with pytest.raises(PruningError, match="conv: 0 positions of 2 and 2 images; draw some"):
        layer_gram(LAYER, inputs, positions[:0], original_inputs=inputs, original_weights=filters)
    with pytest.raises(PruningError, match="conv: 0 samples of 2 images"):
        draw_positions(LAYER, 2, 0, 0)


def test_sums_that_overflow_are_refused() -> None:
    one = np.ones((1, 1, 1))
    with pytest.raises(PruningError, match="sums over samples that are not finite"):
        Gram(xx=one, xy=one * np.inf, yy=np.ones((1, 1)), samples=1)
    with pytest.raises(PruningError, match="sums of shapes"):
        Gram(xx=np.ones((1, 2, 2)), xy=one, yy=np.ones((1, 1)), samples=1)


@pytest.mark.parametrize(
    ("side", "samples", "images"), [(1, 4096, 4096), (2, 4096, 1024), (8, 16_384, 2048), (8, 800, 512)]
)
def test_samples_are_of_many_images(side: int, samples: int, images: int) -> None:
    """One an image of an FC layer, at most eight of a CONV layer, and never of fewer than 512 images."""
    assert images_for(Layer(name="layer", N=1, M=1, C=1, H=side, W=side, R=1, S=1), samples) == images
