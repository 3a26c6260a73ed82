"""Do `--layers` words choose the layers that a person meant, and is a word that matches nothing said to?"""

from dataclasses import replace

import pytest

from simulator.errors import WorkloadError
from simulator.spec.workload import Workload
from workloads import open_workload
from workloads.selection import with_layers


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        (["CONV1"], ["CONV1"]),
        (["conv1"], ["CONV1"]),
        (["conv*"], ["CONV1", "CONV2", "CONV3", "CONV4", "CONV5"]),
        (["*3"], ["CONV3", "FC3"]),
        (["fc[12]", "CONV5"], ["CONV5", "FC1", "FC2"]),
        (["?C1", "FC1"], ["FC1"]),
    ],
)
def test_words_choose_layers_in_the_networks_order(words: list[str], chosen: list[str]) -> None:
    assert [layer.name for layer in open_workload("alexnet", layers=words).layers] == chosen


def test_a_string_is_one_word_and_not_its_letters() -> None:
    assert [layer.name for layer in open_workload("alexnet", layers="FC3").layers] == ["FC3"]


def test_a_chosen_layer_has_the_tensors_that_it_has_in_the_whole_network() -> None:
    whole, part = open_workload("squeezenet1_0"), open_workload("squeezenet1_0", layers=["fire2/squeeze1x1"])
    layer = part.layers[0]
    assert layer == whole.layers[1]
    assert (part.tensors_of(layer).ifmap == whole.tensors_of(whole.layers[1]).ifmap).all()


def test_a_word_that_matches_nothing_lists_the_names() -> None:
    with pytest.raises(WorkloadError) as error:
        open_workload("alexnet", layers=["conv1", "conv9"])
    assert str(error.value) == (
        "alexnet: no layer matches 'conv9'; its layers: CONV1, CONV2, CONV3, CONV4, CONV5, FC1, FC2, FC3"
    )


def test_no_words_at_all_are_an_error() -> None:
    with pytest.raises(WorkloadError, match=r"^alexnet: no layers were asked for; name some of CONV1, "):
        open_workload("alexnet", layers=[])


def test_a_name_with_brackets_is_found_before_it_is_a_wildcard() -> None:
    workload = open_workload("alexnet")
    odd = replace(workload.layers[0], name="block[0]/conv")
    assert _chosen(replace(workload, layers=(odd, *workload.layers[1:])), "Block[0]/conv") == ["block[0]/conv"]


def _chosen(workload: Workload, word: str) -> list[str]:
    return [layer.name for layer in with_layers(workload, [word]).layers]
