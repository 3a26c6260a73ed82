"""Are densities read for every layer, each from its own table, and is what leaves a layer out refused?"""

from pathlib import Path

import pytest

from simulator.errors import SpecError
from simulator.spec.densities import load_densities
from simulator.spec.layer import Layer
from simulator.spec.tensors import Densities

LAYERS = tuple(Layer(name=name, N=1, M=2, C=2, H=4, W=4, R=1, S=1) for name in ("CONV1", "CONV2", "FC1"))
ONE, TWO = "ifmap = 1.0\nfilters = 0.5\nofmap = 0.25\n", "ifmap = 0.0\nfilters = 0.1\nofmap = 1\n"


def written(folder: Path, text: str) -> Path:
    (folder / "d.toml").write_text(text)
    return folder / "d.toml"


def test_a_layers_own_table_comes_before_a_pattern(tmp_path: Path) -> None:
    found = load_densities(written(tmp_path, f'["*"]\n{ONE}[CONV2]\n{TWO}'), LAYERS)
    one, two = Densities(ifmap=1, filters=0.5, ofmap=0.25), Densities(ifmap=0, filters=0.1, ofmap=1)
    assert found.of_layer == {"CONV1": one, "CONV2": two, "FC1": one}
    assert found.detail.startswith("densities of d.toml (SHA-256 ")


def test_the_first_pattern_that_matches_counts(tmp_path: Path) -> None:
    found = load_densities(written(tmp_path, f'["CONV*"]\n{TWO}["*"]\n{ONE}'), LAYERS)
    assert [found.of_layer[layer.name].ifmap for layer in LAYERS] == [0, 0, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"[CONV1]\n{ONE}", r'd.toml: no densities of CONV2, FC1; add a table for each, or one \["\*"\] at the end'),
        (f'["*"]\n{ONE}[CONV9]\n{ONE}', r"d.toml: no layer is called CONV9; the layers are CONV1, CONV2, FC1"),
        (
            "[CONV1]\nifmap = 1.5\nfilters = 1",
            r"2 faults; (.*\n)  CONV1.ifmap: .*, the value 1.5\n  CONV1.ofmap: missing",
        ),
        ("CONV1 = 3", "CONV1.the file: not a table"),
        ("= 1", "d.toml: not TOML: "),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        load_densities(written(tmp_path, text), LAYERS)
