"""What would a layer cost if one parameter of its mapping were the next smaller or the next larger?

How a mapping is estimated is left to the caller, who knows the layer's zeros.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from simulator.errors import MappingError
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.results import LayerResult

Neighbours = Mapping[tuple[str, int], LayerResult | str]
"""(parameter, its changed value) -> the layer with that mapping, or in words why it does not fit."""


def neighbours(
    mapping: RowStationaryMapping, estimate_with: Callable[[RowStationaryMapping], LayerResult]
) -> Neighbours:
    """Each of m n e p q r t g, one less (where that is at least 1) and one more, with all others the same.

    `estimate_with` raises MappingError for a mapping that does not fit, as estimate_layer does.
    """
    return MappingProxyType(
        {
            (letter, changed): _estimate_or_reason(replace(mapping, **{letter: changed}), estimate_with)
            for letter, value in mapping.to_dict().items()
            for changed in (value - 1, value + 1)
            if changed >= 1
        }
    )


def _estimate_or_reason(
    mapping: RowStationaryMapping, estimate_with: Callable[[RowStationaryMapping], LayerResult]
) -> LayerResult | str:
    try:
        return estimate_with(mapping)
    except MappingError as error:
        return _reason(str(error))


def _reason(message: str) -> str:
    """Of *where: what is wrong, the value; what would do*: what is wrong."""
    return message.rsplit(": ", 1)[-1].rsplit("; ", 1)[0]
