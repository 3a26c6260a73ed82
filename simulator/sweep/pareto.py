"""Which points does no other beat in every way at once?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def is_on_front(costs: Sequence[Sequence[float]]) -> NDArray[np.bool_]:
    """For each row of costs, all to be small: whether no other is as small in all of them and smaller in one.

    Equal rows are on the front together.
    """
    if not costs:
        return np.zeros(0, dtype=np.bool_)
    table = np.asarray(costs, dtype=np.float64)
    stays = np.zeros(len(table), dtype=np.bool_)
    front, size = np.empty_like(table), 0
    for row in np.lexsort(table.T[::-1]):  # whoever beats a row comes before it; who is beaten beats no one else anew
        rivals = front[:size]
        beats = (rivals <= table[row]).all(axis=1) & (rivals < table[row]).any(axis=1)
        if not beats.any():
            stays[row], front[size], size = True, table[row], size + 1
    return stays
