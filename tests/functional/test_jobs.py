"""Does it matter how many processes simulate? No: the result is the same, and it stays frozen on its way back."""

import pickle
from pathlib import Path

import pytest

from simulator import simulate
from simulator.counts import Access, Action, Level, Tensor
from simulator.results import NetworkResult

TABLE = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"


@pytest.fixture(scope="module")
def topology(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("networks") / "two_layers.csv"
    path.write_text(TABLE + "first, 8, 8, 3, 3, 3, 4, 1,\nsecond, 6, 6, 3, 3, 4, 4, 1,\n")
    return path


@pytest.fixture(scope="module")
def result(topology: Path) -> NetworkResult:
    return simulate(topology)


def test_workers_find_the_same(topology: Path, result: NetworkResult) -> None:
    assert simulate(topology, jobs=2) == result


def test_a_result_that_was_pickled_is_read_only(result: NetworkResult) -> None:
    words = pickle.loads(pickle.dumps(result)).layers[0].counts.words
    with pytest.raises(TypeError, match="does not support item assignment"):
        words[Access(Level.DRAM, Tensor.IFMAP, Action.READ)] = 0
