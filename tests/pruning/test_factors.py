"""Do the factors of a layer's sums solve what they stand for?"""

import numpy as np
import pytest

from pruning.factors import factorise, lengths_of
from tests.pruning.least_squares_problems import activations


@pytest.mark.parametrize(("most", "parts"), [(20, 1), (19, 2), (7, 3)])
def test_each_part_solves_its_inputs(monkeypatch: pytest.MonkeyPatch, most: int, parts: int) -> None:
    """Two groups of 20 inputs, of which every fifth is dead; fewer samples than inputs."""
    monkeypatch.setattr("pruning.factors.MOST_INPUTS", most)
    x = activations(2, 15, 20, 0, dead=True).astype(np.float64)
    xx = x.swapaxes(1, 2) @ x
    scaled = xx / lengths_of(xx) / lengths_of(xx).swapaxes(1, 2)
    factors = factorise(xx)
    assert len(factors) == 2 * parts
    covered = np.zeros((2, 20), int)
    for each in factors:
        covered[each.group, each.inputs] += 1
        part = scaled[each.group, each.inputs, each.inputs]
        wanted = np.random.default_rng(0).standard_normal((len(part), 3))
        expected = np.linalg.solve(part + 0.1 * np.eye(len(part)), wanted)
        np.testing.assert_allclose(each.solve(wanted.astype(np.float32), 0.1), expected, rtol=1e-3, atol=1e-3)
    assert (covered == 1).all()
