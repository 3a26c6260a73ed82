"""Does a round's loss go where it saves most?"""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruning.shares import Point, equal_price, measured_curve

CURVES = {
    "cheap": (Point(loss=0.01, saved=10.0), Point(loss=0.04, saved=16.0), Point(loss=0.10, saved=18.0)),
    "dear": (Point(loss=0.02, saved=5.0), Point(loss=0.08, saved=8.0)),
}


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (0.01, {"cheap": 0.01, "dear": 0.0}),  # 1 thousandth a unit of energy, the next 4 (dear) and 5
        (0.02, {"cheap": 0.01, "dear": 0.01}),
        (0.05, {"cheap": 0.03, "dear": 0.02}),
        (0.12, {"cheap": 0.04, "dear": 0.08}),
        (0.36, {"cheap": 0.20, "dear": 0.16}),  # twice what was measured
    ],
)
def test_the_cheapest_energy_first(loss: float, expected: dict[str, float]) -> None:
    assert equal_price(CURVES, loss) == pytest.approx(expected)


def test_a_point_above_the_hull_is_passed_over() -> None:
    bumpy = {"one": (Point(loss=0.05, saved=1.0), Point(loss=0.06, saved=6.0)), "other": CURVES["cheap"]}
    assert equal_price(bumpy, 0.05) == pytest.approx({"one": 0.01, "other": 0.04})
    # The steep end of "one" is not to be had without its flat beginning.
    bumpy["other"] = (Point(loss=0.01, saved=2.5),)
    assert equal_price(bumpy, 0.01) == pytest.approx({"one": 0.0, "other": 0.01})


def test_nothing_for_what_saves_nothing() -> None:
    curves = {"one": (Point(loss=0.01, saved=-1.0),), "other": (Point(loss=0.5, saved=2.0),)}
    assert equal_price(curves, 0.1) == pytest.approx({"one": 0.0, "other": 0.1})


def test_alike_where_nothing_is_lost() -> None:
    """Chance may find a pruned network better."""
    free = (Point(loss=-0.001, saved=2.0),)
    assert equal_price({"one": free, "other": free, "none": ()}, 0.1) == {"one": 0.05, "other": 0.05, "none": 0.0}
    assert equal_price({"one": (), "other": ()}, 0.1) == {"one": 0.05, "other": 0.05}


points = st.builds(Point, loss=st.floats(0.001, 0.1), saved=st.floats(1, 100))


@given(
    st.dictionaries(st.sampled_from("abc"), st.lists(points, min_size=1, max_size=4), min_size=1), st.floats(0.01, 0.2)
)
def test_all_is_given_and_no_choice_of_points_saves_more(curves: dict[str, list[Point]], loss: float) -> None:
    given_to = equal_price(curves, loss)
    assert sum(given_to.values()) == pytest.approx(loss)
    saved = sum(saved_for(curve, given_to[name]) for name, curve in curves.items())
    for choice in product(*([Point(loss=0.0, saved=0.0), *curve] for curve in curves.values())):
        if sum(point.loss for point in choice) <= loss:
            assert sum(point.saved for point in choice) <= saved * (1 + 1e-9)


def saved_for(curve: list[Point], loss: float) -> float:
    """Of the best mixture of two points, nothing being one, that loses so much."""
    ends = [Point(loss=0.0, saved=0.0), *curve]
    best = max((point.saved for point in ends if point.loss <= loss), default=0.0)
    for low, high in product(ends, ends):
        if low.loss <= loss < high.loss:
            best = max(best, low.saved + (high.saved - low.saved) * (loss - low.loss) / (high.loss - low.loss))
    return best


def test_a_curve_ends_where_too_much_is_lost() -> None:
    asked = []

    def measured(keep: int) -> Point:
        asked.append(keep)
        return Point(loss=1 / keep, saved=-keep)

    assert len(measured_curve((90, 80, 70, 60, 50, 40, 5, 4, 3, 2), measured, 0.02)) == 3
    assert asked == [80, 60, 40]
