"""What is a network judged by?"""

import numpy as np
import pytest

from pruning.judging import Accuracy, Certainty
from pruning.network import Floats
from tests.pruning.small_network import SmallNetwork, small_images, small_network
from workloads.data_sets import LabelledImages

NETWORK = small_network()
IMAGES = small_images(200, seed=5)
CHOSEN = NETWORK.scores(IMAGES).argmax(axis=1)


def judged(labels: np.ndarray[tuple[int], np.dtype[np.int64]]) -> LabelledImages:
    return LabelledImages(images=IMAGES, labels=labels, source="test")


def scaled(by: float) -> SmallNetwork:
    return NETWORK.with_weights({"second": NETWORK.weights("second") * np.float32(by)})


def test_certainty_is_the_mean_probability_of_the_right_class() -> None:
    scores = NETWORK.scores(IMAGES).astype(np.float64)
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    labels = np.arange(200) % scores.shape[1]
    expected = np.mean([shares[row, label] for row, label in enumerate(labels)])
    assert Certainty(judged(labels))(NETWORK) == pytest.approx(expected)


def test_certainty_moves_where_accuracy_does_not() -> None:
    """Larger scores of the same order; so large that only the largest counts, they are accuracy."""
    data = judged(CHOSEN)
    sure: list[float] = [Certainty(data)(scaled(by)) for by in (1, 2, 4, 1e4)]
    assert sure == sorted(sure)
    assert sure[0] < sure[1] < sure[2]
    assert [Accuracy(data)(scaled(by)) for by in (1, 2, 4)] == [1, 1, 1]
    assert sure[-1] == pytest.approx(1, abs=0.02)


def test_scores_of_any_size_have_a_certainty() -> None:
    huge: Floats = scaled(1e30).scores(IMAGES)
    assert np.abs(huge).max() > 1e30
    assert np.isfinite(Certainty(judged(CHOSEN))(scaled(1e30)))
