"""Maximum and choice for one number or, element by element, for arrays: so that a formula is written once."""

from typing import Any, TypeAlias

import numpy as np

Whole: TypeAlias = Any
"""An int, or an int64 array: numpy's stubs do not type one formula over both."""


def larger(first: Whole, second: Whole) -> Whole:
    """The larger of two, of each pair of elements if either is an array."""
    if isinstance(first, int) and isinstance(second, int):
        return first if first > second else second
    return np.maximum(first, second)


def chosen(condition: Whole, if_true: Whole, if_false: Whole) -> Whole:
    """`if_true` where the condition is not zero."""
    if isinstance(condition, int):
        return if_true if condition else if_false
    return np.where(condition, if_true, if_false)
