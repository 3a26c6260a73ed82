"""How few bits can filter streams take, however they are cut?"""

from functools import lru_cache

import numpy as np

from simulator.analytic.coding import Floats, StreamBits

_ENDLESS = 1 << 30


@lru_cache(maxsize=256)
def slope_and_beyond(stream: StreamBits, tap: int, most_taps: int) -> tuple[float, Floats]:
    """Bits that every word of a stream takes at least, and at k the fewest bits that any stream of 1 to k taps, of so
    many words each, takes beyond that: whatever W words are cut into P streams, they take slope*W + P*beyond or more.
    """
    words = np.arange(1, most_taps + 1, dtype=np.int64) * tap
    bits = stream(words)
    slope = min(stream(_ENDLESS) / _ENDLESS, float((bits / words).min()))
    beyond = np.minimum.accumulate(bits - slope * words)
    return slope, np.concatenate([[0.0], np.maximum(beyond, 0.0)])
