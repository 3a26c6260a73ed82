"""Are widths of words read as they are written, and is what makes no sense refused?"""

from pathlib import Path

import pytest

from simulator.errors import SpecError
from simulator.spec.bits import with_bits
from simulator.spec.layer import Layer

LAYERS = tuple(Layer(name=name, N=1, M=2, C=2, H=4, W=4, R=1, S=1) for name in ("CONV1", "FC1"))


def widths(bits: str) -> list[tuple[int, int, int]]:
    return [(layer.filter_bits, layer.ifmap_bits, layer.psum_bits) for layer in with_bits(LAYERS, bits)]


@pytest.mark.parametrize(
    ("bits", "all_layers"),
    [
        ("weight=8,activation=4", (8, 4, 16)),
        (" psum = 12 ", (16, 16, 12)),
        ("activation=16", (16, 16, 16)),
    ],
)
def test_a_list_is_for_all_layers(bits: str, all_layers: tuple[int, int, int]) -> None:
    assert widths(bits) == [all_layers, all_layers]


def test_a_file_may_tell_layers_apart(tmp_path: Path) -> None:
    file = tmp_path / "bits.toml"
    file.write_text("weight = 8\nactivation = 8\n[CONV1]\nactivation = 16\npsum = 10\n")
    assert widths(str(file)) == [(8, 16, 10), (8, 8, 16)]


@pytest.mark.parametrize(
    ("bits", "message"),
    [
        ("weight=8,weight=4", "weight=8,weight=4: 'weight=4' is given twice; give weight=8,activation=8, or"),
        ("weight:8=1", "weight:8=1: 'weight:8=1' is no width; give"),
        ("weight=8,", "weight=8,: '' is no width; give"),
        ("weight=17", r"weight=17: 1 fault; give .*\n  weight: Input should be less than or equal to 16, the value 17"),
        ("weight=0", "weight: Input should be greater than or equal to 1, the value 0"),
        ("weights=8", "weights: unknown key"),
        ("nothing.toml", "nothing.toml: no such file; give weight=8,activation=8, or a TOML file with such lines"),
    ],
)
def test_what_is_no_width(bits: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        with_bits(LAYERS, bits)


def test_a_table_for_no_layer_and_a_fault_in_a_table(tmp_path: Path) -> None:
    file = tmp_path / "bits.toml"
    file.write_text("[pool]\nweight = 8\n")
    with pytest.raises(SpecError, match=r"no layer is called pool; the layers are CONV1, FC1"):
        with_bits(LAYERS, str(file))
    file.write_text('weight = "8"\n[CONV1]\npsum = 99\n')
    with pytest.raises(SpecError, match=r"2 faults; (.*\n)  weight: .*\n  CONV1.psum: "):
        with_bits(LAYERS, str(file))
