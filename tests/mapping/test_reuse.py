"""Are the numbers that a person multiplies those of a walk over the passes?"""

from simulator.mapping.passes import processing_passes
from simulator.mapping.reuse import reuse
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.spec.layer import Layer


def test_loads_passes_and_sets_are_those_of_a_walk() -> None:
    layer = Layer(name="ragged", N=5, M=14, C=10, H=17, W=15, R=3, S=3, padding=(1, 1, 1, 1))
    mapping = RowStationaryMapping(m=9, n=2, e=5, p=2, q=3, r=2, t=2)
    found = reuse(layer, mapping)
    passes = list(processing_passes(layer, mapping))
    first = [each for each in passes if each.tile.images.start == each.tile.rows.start == 0]
    of_filters = [each for each in first if each.channels.start == 0]
    of_channels = [each for each in first if each.filters.start == 0]
    assert found.filter_passes == len(of_filters)
    assert found.filter_sets == sum(each.filters.sets for each in of_filters)
    assert found.channel_passes == len(of_channels)
    assert found.channel_sets == sum(each.channels.sets for each in of_channels)
    assert found.loads == sum(each.loads_ifmap for each in of_filters)
    assert len(passes) == found.image_groups * found.strips * found.filter_passes * found.channel_passes
