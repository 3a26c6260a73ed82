"""Is the front exactly the points that no other beats?"""

from hypothesis import given
from hypothesis import strategies as st

from simulator.sweep.pareto import is_on_front

COSTS = st.integers(1, 3).flatmap(
    lambda objectives: st.lists(st.tuples(*[st.integers(0, 4)] * objectives), min_size=0, max_size=25)
)


@given(COSTS)
def test_as_by_definition(costs: list[tuple[int, ...]]) -> None:
    def beats(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
        return one != other and all(a <= b for a, b in zip(one, other, strict=True))

    assert list(is_on_front(costs)) == [not any(beats(rival, cost) for rival in costs) for cost in costs]
