"""Does each method leave exactly what was asked of a layer, and which leaves the least behind?"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pruning.layer_methods import Method, prune_layer
from pruning.samples import Floats, Gram, as_columns, draw_positions, layer_gram
from simulator.errors import PruningError
from simulator.spec.layer import Layer
from tests.pruning.least_squares_problems import activations
from tests.strategies import small_layers

OF_LAYERS = [method for method in Method if method is not Method.GLOBAL_MAGNITUDE]
LAYER = Layer(name="conv", N=1, M=16, C=12, H=6, W=6, R=3, S=3, padding=(1, 1, 1, 1))


def layer_sums(layer: Layer, seed: int, images: int = 40) -> tuple[Floats, Gram]:
    """Weights and sums; the channels of the ifmap share factors."""
    weights = np.random.default_rng(0).standard_normal(layer.filter_shape, np.float32)
    pixels = activations(1, images * layer.H * layer.W, layer.C, seed)[0]
    inputs = np.ascontiguousarray(pixels.reshape(images, layer.H, layer.W, layer.C).transpose(0, 3, 1, 2))
    positions = draw_positions(layer, images, 1000, seed)
    return weights, layer_gram(layer, inputs, positions, original_inputs=inputs, original_weights=weights)


@pytest.mark.parametrize("method", OF_LAYERS)
@given(layer=small_layers(), data=st.data())
@settings(max_examples=25)
def test_as_many_as_asked_from_what_is_left(method: Method, layer: Layer, data: st.DataObject) -> None:
    """In two goes, as the loop does: strided, padded, grouped, depthwise, 1x1 and FC layers."""
    weights, gram = layer_sums(layer, 1, images=3)
    for _ in range(2):
        before = weights
        keep = data.draw(st.integers(0, int(np.count_nonzero(before))))
        weights = prune_layer(layer, before, gram, keep, method)
        assert weights.shape == layer.filter_shape
        assert weights.dtype == np.float32
        assert np.isfinite(weights).all()
        assert np.count_nonzero(weights) <= keep
        assert not weights[before == 0].any()


@pytest.mark.parametrize("method", OF_LAYERS)
def test_every_word_kept_is_used(method: Method) -> None:
    weights, gram = layer_sums(LAYER, 1)
    assert np.count_nonzero(prune_layer(LAYER, weights, gram, 300, method)) == 300


@pytest.mark.parametrize("method", OF_LAYERS)
def test_words_that_are_gone_stay_away_though_they_would_help(method: Method) -> None:
    """The weights left have the wrong sign: to the output any word that is zero is better."""
    weights, gram = layer_sums(LAYER, 1)
    left = -prune_layer(LAYER, weights, gram, 300, Method.MAGNITUDE)
    np.testing.assert_array_equal(prune_layer(LAYER, left, gram, 300, method) != 0, left != 0)


@pytest.mark.parametrize("method", OF_LAYERS)
def test_channels_and_filters_that_are_gone_leave_a_smaller_layer(method: Method) -> None:
    """The same weights as in a layer that never had them."""
    weights, gram = layer_sums(LAYER, 1)
    filters, channels = np.arange(0, 16, 2), np.arange(0, 12, 3)
    words = (channels[:, None] * 9 + np.arange(9)).ravel()
    smaller = Layer(name="conv", N=1, M=8, C=4, H=6, W=6, R=3, S=3, padding=(1, 1, 1, 1))
    expected = prune_layer(smaller, weights[np.ix_(filters, channels)], gram.of(words, filters), 100, method)
    gone = np.zeros_like(weights)
    gone[np.ix_(filters, channels)] = weights[np.ix_(filters, channels)]
    found = prune_layer(LAYER, gone, gram, 100, method)
    np.testing.assert_array_equal(found[np.ix_(filters, channels)], expected)
    assert np.count_nonzero(found) == np.count_nonzero(expected)


def test_magnitude_leaves_values_alone() -> None:
    weights, gram = layer_sums(LAYER, 1)
    pruned = prune_layer(LAYER, weights, gram, 300, Method.MAGNITUDE)
    np.testing.assert_array_equal(pruned[pruned != 0], weights[pruned != 0])
    assert np.abs(pruned[pruned != 0]).min() >= np.abs(weights[pruned == 0]).max()


def test_a_method_of_whole_networks_prunes_no_layer() -> None:
    weights, gram = layer_sums(LAYER, 1)
    with pytest.raises(PruningError, match="conv: global-magnitude is of a whole network; give another method"):
        prune_layer(LAYER, weights, gram, 300, Method.GLOBAL_MAGNITUDE)


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_each_step_beats_the_one_before_on_samples_not_seen(share: float) -> None:
    weights, gram = layer_sums(LAYER, 1)
    unseen = layer_sums(LAYER, 2)[1]
    left = {
        method: unseen.residual(as_columns(prune_layer(LAYER, weights, gram, round(share * weights.size), method), 1))
        for method in OF_LAYERS
    }
    magnitude, energy_aware, second_order, alternating = (
        left[method].sum()
        for method in (Method.MAGNITUDE, Method.ENERGY_AWARE, Method.SECOND_ORDER, Method.ALTERNATING)
    )
    assert energy_aware < 0.7 * magnitude
    assert second_order < 0.9 * energy_aware
    assert alternating < 0.9 * energy_aware


def test_large_layers_are_selected_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are second order; the exact one leaves no more."""
    weights, gram = layer_sums(LAYER, 1)
    exact = prune_layer(LAYER, weights, gram, 300, Method.SECOND_ORDER)
    monkeypatch.setattr("pruning.layer_methods._MOST_EXACT_INPUTS", 107)
    blocked = prune_layer(LAYER, weights, gram, 300, Method.SECOND_ORDER)
    assert ((exact != 0) != (blocked != 0)).any()
    assert gram.residual(as_columns(exact, 1)).sum() < gram.residual(as_columns(blocked, 1)).sum()


def test_a_layer_too_large_for_eigenvectors_is_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three parts of the 108 inputs: more is left than by the whole, less than by magnitude, restore and refit."""
    weights, gram = layer_sums(LAYER, 1)
    whole, energy_aware = (
        prune_layer(LAYER, weights, gram, 300, method) for method in (Method.ALTERNATING, Method.ENERGY_AWARE)
    )
    monkeypatch.setattr("pruning.factors.MOST_INPUTS", 40)
    parts = prune_layer(LAYER, weights, layer_sums(LAYER, 1)[1], 300, Method.ALTERNATING)
    unseen = layer_sums(LAYER, 2)[1]
    of_whole, of_parts, of_energy_aware = (
        unseen.residual(as_columns(each, 1)).sum() for each in (whole, parts, energy_aware)
    )
    assert of_whole < of_parts < of_energy_aware


@pytest.mark.parametrize("method", OF_LAYERS)
def test_what_sums_were_asked_before_does_not_matter(method: Method) -> None:
    """A search prunes one layer to several numbers of words; sums keep what the first of them had to find."""
    weights, gram = layer_sums(LAYER, 1)
    prune_layer(LAYER, weights, gram, 500, method)
    again = prune_layer(LAYER, weights, gram, 300, method)
    np.testing.assert_array_equal(again, prune_layer(LAYER, weights, layer_sums(LAYER, 1)[1], 300, method))


@pytest.mark.parametrize("method", OF_LAYERS)
def test_a_dead_layer_keeps_its_weights(method: Method) -> None:
    """Its inputs are always zero: nothing says what they should become."""
    weights, _ = layer_sums(LAYER, 1)
    pruned = prune_layer(LAYER, weights, sums_of(np.zeros((2, 12, 6, 6), np.float32), weights), 300, method)
    assert np.count_nonzero(pruned) == 300
    np.testing.assert_allclose(pruned[pruned != 0], weights[pruned != 0], rtol=1e-6)
    if method is not Method.ENERGY_AWARE:
        np.testing.assert_array_equal(
            pruned, prune_layer(LAYER, weights, layer_sums(LAYER, 1)[1], 300, Method.MAGNITUDE)
        )


@pytest.mark.parametrize("method", [each for each in OF_LAYERS if each is not Method.MAGNITUDE])
@pytest.mark.parametrize("problem", ["few samples", "same channels", "one dead channel", "tiny"])
def test_singular_activations_leave_less_than_magnitude(method: Method, problem: str) -> None:
    """On the samples, each with finite weights no larger than a few times the largest there was."""
    weights, _ = layer_sums(LAYER, 1)
    inputs = singular_inputs(problem)
    gram = sums_of(inputs, weights)
    assert np.linalg.matrix_rank(gram.xx[0] / gram.xx.max()) < 108 or problem == "tiny"
    pruned, by_magnitude = (prune_layer(LAYER, weights, gram, 300, each) for each in (method, Method.MAGNITUDE))
    assert np.count_nonzero(pruned) <= 300
    assert np.abs(pruned).max() < 5 * np.abs(weights).max()
    assert gram.residual(as_columns(pruned, 1)).sum() < 0.7 * gram.residual(as_columns(by_magnitude, 1)).sum()


def singular_inputs(problem: str) -> Floats:
    images = 2 if problem == "few samples" else 20
    pixels = activations(1, images * 36, 12, 1)[0].reshape(images, 6, 6, 12)
    if problem == "same channels":
        pixels[..., 6:] = pixels[..., :6]
    if problem == "one dead channel":
        pixels[..., 3] = 0
    if problem == "tiny":
        pixels *= np.float32(1e-15)
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))


def sums_of(inputs: Floats, weights: Floats) -> Gram:
    positions = draw_positions(LAYER, len(inputs), 1000, 0)
    return layer_gram(LAYER, inputs, positions, original_inputs=inputs, original_weights=weights)


def test_bad_requests_are_named() -> None:
    weights, gram = layer_sums(LAYER, 1)
    not_finite = weights.copy()
    not_finite[3, 2, 1, :2] = np.nan, np.inf
    for method in OF_LAYERS:
        with pytest.raises(PruningError, match="conv: 2 weights that are NaN or infinite; repair the model"):
            prune_layer(LAYER, not_finite, gram, 10, method)
    with pytest.raises(PruningError, match="conv: 1729 weights to keep of 1728 that are not zero; keep 0 to 1728"):
        prune_layer(LAYER, weights, gram, 1729, Method.MAGNITUDE)
    with pytest.raises(PruningError, match=r"conv: weights of shape \(8, 12, 3, 3\); the layer has \(16, 12, 3, 3\)"):
        prune_layer(LAYER, weights[:8], gram, 1, Method.MAGNITUDE)
    other = layer_sums(Layer(name="other", N=1, M=8, C=12, H=6, W=6, R=3, S=3), 1)[1]
    with pytest.raises(
        PruningError, match=r"conv: sums for weights of shape \(1, 108, 8\); the layer has \(1, 108, 16\)"
    ):
        prune_layer(LAYER, weights, other, 1, Method.MAGNITUDE)
