"""Which points does no other beat in every way at once?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def is_on_front(costs: Sequence[Sequence[float]]) -> NDArray[np.bool_]:
    """For each row of costs, all to be small: whether no other is as small in all of them and smaller in one.

    Equal rows are on the front together.
    """
    table = np.asarray(costs, dtype=np.float64)
    stays = np.ones(len(table), dtype=np.bool_)
    for row in range(len(table)):
        rivals = table[stays]  # whoever is beaten was beaten by one that beats all that it beats
        beats = (rivals <= table[row]).all(axis=1) & (rivals < table[row]).any(axis=1)
        stays[row] = not beats.any()
    return stays
