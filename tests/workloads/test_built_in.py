"""Are the shipped networks the published ones: weights and MACs as printed, each layer as wide as what feeds it?"""

import tomllib
from dataclasses import FrozenInstanceError
from itertools import pairwise
from math import prod
from pathlib import Path

import pytest

from simulator.spec.layer import Layer
from workloads import BuiltInNetwork, built_in_networks, open_workload
from workloads.built_in import built_in_network

NETWORKS = built_in_networks()

PRINTED = [
    # network, weights, MACs of an image, each with half a unit of its last printed digit
    # Sze et al., Proc. IEEE 105(12), 2017, Table II
    ("alexnet", 61e6, 0.5e6, 724e6, 0.5e6),
    ("vgg16", 138e6, 0.5e6, 15.5e9, 0.05e9),
    ("resnet50", 25.5e6, 0.05e6, 3.9e9, 0.05e9),
    # the same for its weights; Szegedy et al., arXiv 1409.4842, section 1, for its MACs
    ("googlenet", 7e6, 0.5e6, 1.5e9, 0.1e9),
    # Howard et al., arXiv 1704.04861, Table 4
    ("mobilenet_v1", 4.2e6, 0.05e6, 569e6, 0.5e6),
    # He et al., arXiv 1512.03385, Table 1 (cut, not rounded: 3.86)
    ("resnet50", 25.5e6, 0.05e6, 3.8e9, 0.1e9),
]

JSSC_CONV_MEGA_MACS = {"CONV1": 421.6, "CONV2": 895.7, "CONV3": 598.1, "CONV4": 448.6, "CONV5": 299.0}
"""Chen et al., JSSC 52(1), 2017, Table V, at batch 4."""

SQUEEZENET_PARAMETERS = {
    "conv1": 14_208,
    "fire2": 11_920,
    "fire3": 12_432,
    "fire4": 45_344,
    "fire5": 49_440,
    "fire6": 104_880,
    "fire7": 111_024,
    "fire8": 188_992,
    "fire9": 197_184,
    "conv10": 513_000,
}
"""Iandola et al., arXiv 1602.07360, Table 1, before pruning: biases included."""

GOOGLENET_MEGA_MACS = {
    "conv2": 360,
    "inception_3a": 128,
    "inception_3b": 304,
    "inception_4a": 73,
    "inception_4b": 88,
    "inception_4c": 100,
    "inception_4d": 119,
    "inception_4e": 170,
    "inception_5b": 71,
}
"""Szegedy et al., arXiv 1409.4842, Table 1, column `ops`. Left out: conv1 (34) and inception_5a (54), which contradict
the sizes in their own rows; and the column of weights, which does so in most."""


def weights(layer: Layer) -> int:
    return prod(layer.filter_shape)


def test_six_networks_come_with_picojoule() -> None:
    names = ["alexnet", "googlenet", "mobilenet_v1", "resnet50", "squeezenet1_0", "vgg16"]
    assert [network.name for network in NETWORKS] == names


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_stated_totals_are_those_of_the_layers(network: BuiltInNetwork) -> None:
    assert network.weights == sum(map(weights, network.layers))
    assert network.macs_per_image == sum(layer.macs for layer in network.layers)


@pytest.mark.parametrize(("name", "printed_weights", "within", "printed_macs", "macs_within"), PRINTED)
def test_totals_are_the_printed_ones(
    name: str, printed_weights: float, within: float, printed_macs: float, macs_within: float
) -> None:
    network = built_in_network(name)
    assert abs(network.weights - printed_weights) <= within
    assert abs(network.macs_per_image - printed_macs) <= macs_within


def test_alexnet_has_the_macs_measured_on_silicon() -> None:
    layers = open_workload("alexnet", batch=4, layers=["CONV*"]).layers
    assert [layer.name for layer in layers] == list(JSSC_CONV_MEGA_MACS)
    for layer in layers:
        assert abs(layer.macs / 1e6 - JSSC_CONV_MEGA_MACS[layer.name]) < 0.1, layer.name  # cut, not rounded


def test_squeezenet_has_the_printed_parameters() -> None:
    found: dict[str, int] = dict.fromkeys(SQUEEZENET_PARAMETERS, 0)
    for layer in built_in_network("squeezenet1_0").layers:
        found[layer.name.partition("/")[0]] += weights(layer) + layer.M
    assert found == SQUEEZENET_PARAMETERS


@pytest.mark.parametrize("stage", GOOGLENET_MEGA_MACS)
def test_googlenet_has_the_printed_operations(stage: str) -> None:
    layers = [layer for layer in built_in_network("googlenet").layers if layer.name.startswith(stage)]
    assert abs(sum(layer.macs for layer in layers) / 1e6 - GOOGLENET_MEGA_MACS[stage]) < 1  # some cut, some rounded


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "mobilenet_v1"])
def test_a_chain_feeds_each_layer_the_channels_of_the_one_before(name: str) -> None:
    for before, layer in pairwise(built_in_network(name).layers):
        assert layer.C == before.M or layer.C == before.M * before.E * before.F, layer.name


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_only_the_first_layer_reads_the_networks_input(network: BuiltInNetwork) -> None:
    assert [layer.from_input for layer in network.layers] == [True] + [False] * (len(network.layers) - 1)
    assert network.densities[network.layers[0].name].ifmap > 0.99


def test_alexnet_has_the_published_densities() -> None:
    densities = built_in_network("alexnet").densities
    conv_zeros_percent = [round(100 * (1 - densities[f"CONV{at}"].ifmap), 2) for at in range(1, 6)]
    assert conv_zeros_percent == [0.01, 38.7, 72.5, 79.3, 77.6]
    assert [densities[f"FC{at}"].ifmap for at in range(1, 4)] == [0.351, 0.353, 0.375]


def test_alexnets_ofmaps_take_the_next_layers_density() -> None:
    network = built_in_network("alexnet")
    in_order = [network.densities[layer.name] for layer in network.layers]
    assert all(before.ofmap == after.ifmap for before, after in pairwise(in_order))
    assert in_order[-1].ofmap == 1
    assert "takes the next layer's ifmap density" in open_workload("alexnet").provenance.detail


def test_mobilenet_alternates_depthwise_and_pointwise() -> None:
    middle = built_in_network("mobilenet_v1").layers[1:-1]
    assert all(layer.C == layer.M == layer.G for layer in middle[::2])
    assert all(layer.R == layer.S == layer.G == 1 for layer in middle[1::2])


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_a_summary_says_where_the_network_is_from_and_is_frozen(network: BuiltInNetwork) -> None:
    assert network.title
    assert "20" in network.source, "a year"
    assert network.variant
    with pytest.raises(FrozenInstanceError):
        network.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    "file", sorted((Path(__file__).parents[2] / "workloads" / "networks").glob("*.toml")), ids=lambda file: file.stem
)
def test_a_network_file_has_no_key_that_is_ignored(file: Path) -> None:
    fields = tomllib.loads(file.read_text(encoding="utf-8"))
    assert set(fields) == {"title", "source", "variant", "weights", "macs_per_image", "layers", "densities"}
    assert set(fields["densities"]) == {"ifmap", "filter", "ofmap", "source"}
    assert all(set(row) <= {"name", *"MCHWRSUG", "padding", "ifmap", "ofmap"} for row in fields["layers"])
