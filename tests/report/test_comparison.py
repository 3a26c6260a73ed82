"""Do runs side by side keep their figures, add up, and say in words only what the figures say?"""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from simulator.errors import SpecError
from simulator.report.comparison import Comparison, comparison_of, flat
from simulator.report.comparison_text import comparison_text
from simulator.report.run_reader import LEVELS, TENSORS, ComparedLayer, ComparedRun, run_of
from simulator.report.verdict import verdict
from simulator.results import Method
from tests.report.by_hand import layer_result, network_result

MILLION = 1e6


def by_hand(label: str = "alexnet", *, scales: Sequence[int] = (1, 3), batch: int = 4) -> ComparedRun:
    """CONV1, CONV2, … of by_hand.py at these scales: 348.4 M MAC a batch at scale 1."""
    layers = [layer_result(f"CONV{number}", scale=scale) for number, scale in enumerate(scales, 1)]
    run = run_of(network_result(*layers), label=label, energy_unit="one 16-bit MAC", energy_table="0" * 64)
    return replace(run, network=label, batch=batch)


def drawn(
    network: str, *, weights: float, macs: float, depth: int = 1, dram: float = 0.0, spad: float = 0.0
) -> ComparedRun:
    """A run of one image and `depth` equal layers, in millions: DRAM energy for filters, spad energy for ifmaps."""
    figures = {f"energy.{part}": 0.0 for part in LEVELS} | {f"energy_by_tensor.{part}": 0.0 for part in TENSORS}
    figures |= {
        "energy.dram": dram,
        "energy_by_tensor.filter": dram,
        "energy.spad": spad,
        "energy_by_tensor.ifmap": spad,
    }
    figures |= {"energy.total": dram + spad, "weights": weights, "macs": macs, "nonzero_macs": macs, "total_ms": 1e-6}
    scaled = {key: value * MILLION / depth for key, value in figures.items()}
    return ComparedRun(
        label=network,
        network=network,
        arch="eyeriss-v1",
        batch=1,
        method=Method.ANALYTIC,
        data="by hand",
        energy_unit="one 16-bit MAC",
        energy_table="0" * 64,
        layers=tuple(ComparedLayer(name=f"{network}{index}", figures=scaled) for index in range(depth)),
    )


def test_figures_are_for_one_image_and_add_up() -> None:
    row = comparison_of([by_hand(), by_hand("other", scales=(2,))]).run_rows()[0]
    assert row["energy"]["total"] == pytest.approx(1393.6 * MILLION / 4)
    assert sum(row["energy"][level] for level in LEVELS) == pytest.approx(row["energy"]["total"])
    assert sum(row["energy_by_tensor"].values()) == pytest.approx(row["energy"]["total"])
    assert (row["macs"], row["nonzero_macs"], row["total_ms"]) == (10_000_000, 1_500_000, 0.125)
    assert row["batch_energy"] == pytest.approx(1393.6 * MILLION)
    assert row["energy_per_mac"] == pytest.approx(34.84)


def test_layers_add_up_to_their_run() -> None:
    comparison = comparison_of([by_hand(), by_hand("other", scales=(2, 5, 7))])
    for row in comparison.run_rows():
        layers = [layer for layer in comparison.layer_rows() if layer["run"] == row["name"]]
        assert len(layers) == row["layer_count"]
        assert sum(layer["share_of_energy"] for layer in layers) == pytest.approx(1)
        for figure in ("weights", "macs", "energy.dram", "energy_by_tensor.psum", "energy.total"):
            assert sum(flat(layer)[figure] for layer in layers) == pytest.approx(flat(row)[figure])


def test_ratios_are_to_the_first_run() -> None:
    first, second = comparison_of([by_hand(scales=(1,)), by_hand("other", scales=(3,), batch=2)]).run_rows()
    assert set(flat(first["ratio_to_first"]).values()) == {1.0}
    assert second["ratio_to_first"]["macs"] == 6
    assert second["ratio_to_first"]["weights"] == 1
    assert second["ratio_to_first"]["energy"]["dram"] == pytest.approx(6)
    assert second["ratio_to_first"]["energy_per_mac"] == pytest.approx(1)


def test_no_ratio_to_nothing() -> None:
    runs = [drawn("one", weights=1, macs=1, spad=1), drawn("two", weights=1, macs=1, dram=1)]
    assert comparison_of(runs).run_rows()[1]["ratio_to_first"]["energy"]["dram"] is None


@pytest.mark.parametrize(
    ("changes", "labels"),
    [
        ([{"network": "a"}, {"network": "b"}], ("a", "b")),
        ([{"arch": "x"}, {"arch": "y"}], ("net on x", "net on y")),
        ([{"batch": 1}, {"batch": 4}], ("net, batch 1", "net, batch 4")),
        (
            [{"arch": "x"}, {"arch": "y"}, {"arch": "x", "batch": 9}],
            ("net on x, batch 1", "net on y, batch 1", "net on x, batch 9"),
        ),
        ([{"label": "here"}, {"label": "there"}], ("here", "there")),
        ([{"label": "here"}, {"label": "here"}], ("1: here", "2: here")),
    ],
)
def test_labels_tell_runs_apart_in_few_words(changes: list[dict[str, object]], labels: tuple[str, ...]) -> None:
    run = drawn("net", weights=1, macs=1, spad=1)
    found = comparison_of([replace(run, **change) for change in changes])  # type: ignore[arg-type]  # fields by name
    assert tuple(run.label for run in found.runs) == labels


def test_one_run_has_nothing_to_be_compared_with() -> None:
    with pytest.raises(
        SpecError, match=r"^alexnet: nothing to compare it with; give another network or run folder, or"
    ):
        comparison_of([by_hand()])


def test_units_do_not_mix() -> None:
    other = replace(by_hand("other"), energy_unit="pJ")
    with pytest.raises(SpecError, match=r"^alexnet, other: energies in one 16-bit MAC and in pJ cannot be set side by"):
        comparison_of([by_hand(), other])


def test_tables_that_differ_in_one_unit_are_noted() -> None:
    runs = [by_hand(), replace(by_hand("other"), energy_table="f" * 64)]
    notes = list(comparison_of(runs).notes())
    assert notes[0].endswith("in one unit: alexnet: sha256 000000000000; other: sha256 ffffffffffff")
    assert "tables" not in "".join(comparison_of([by_hand(), by_hand("other")]).notes())


def test_runs_of_one_network_are_compared_layer_by_layer() -> None:
    comparison = comparison_of([by_hand(), replace(by_hand("b", scales=(2, 3)), network="alexnet")])
    assert [row["energy_above_first"] for row in comparison.layer_rows()] == pytest.approx([0, 0, 87.1 * MILLION, 0])
    row = next(line.split() for line in comparison_text(comparison).splitlines() if line.startswith("CONV1"))
    assert [float(cell) for cell in row[1:]] == [87.1, 174.2, 87.1, 100]


def test_layers_are_the_same_by_name_only_where_all_of_a_run_are() -> None:
    pruned = by_hand("pruned", scales=(1, 2))
    assert comparison_of([by_hand(), pruned]).shares_layers
    other = replace(pruned, layers=(*pruned.layers, *DEEP.layers))
    assert comparison_of([by_hand(), other]).shares_layers
    assert not comparison_of([by_hand(scales=(1, 2, 3)), other]).shares_layers


def test_layers_that_one_run_lacks_stay_empty_and_are_noted() -> None:
    comparison = comparison_of([by_hand(), replace(by_hand("b", scales=(2,)), network="alexnet")])
    assert "not all runs have the same layers" in "".join(comparison.notes())
    (answer,) = comparison.answer()
    assert answer.startswith(
        "alexnet in 2 runs, over 1 layer that all have: least energy: alexnet, 87.10 M MAC an image"
    )
    row = next(line.split() for line in comparison_text(comparison).splitlines() if line.startswith("CONV2"))
    assert row == ["CONV2", "261.3"]


def test_different_networks_show_the_layers_that_take_most_and_the_rest() -> None:
    scales = (1, 2, 3, 4, 5, 6, 7)
    comparison = comparison_of([by_hand(scales=scales), drawn("small", weights=1, macs=1, dram=1)])
    assert not comparison.shares_layers
    rows = [line.split() for line in comparison_text(comparison).splitlines() if line.startswith("alexnet")]
    top = [row for row in rows if row[1] in {*(f"CONV{number}" for number in range(1, 8)), "2"}]
    assert [row[1] for row in top] == ["CONV7", "CONV6", "CONV5", "CONV4", "CONV3", "2"]
    shares = [7 / 28, 6 / 28, 5 / 28, 4 / 28, 3 / 28, 3 / 28]
    assert [float(row[-5]) for row in top] == pytest.approx([100 * share for share in shares], abs=0.06)
    assert top[0][-4:] == ["DRAM", "86.1", "ifmap", "65.2"]  # 300 and 227 of 348.4


@pytest.mark.parametrize("width", [60, 80, 160])
def test_a_narrow_terminal_loses_nothing(width: int) -> None:
    comparison = comparison_of([by_hand(), by_hand("other", scales=(2, 5))])
    wide, narrow = comparison_text(comparison), comparison_text(comparison, width)
    assert max(map(len, narrow.splitlines())) <= width
    assert {word for word in wide.split() if word[0].isdigit()} <= set(narrow.split())
    assert wide.isascii()


def test_every_heading_of_the_totals_has_its_unit() -> None:
    lines = comparison_text(comparison_of([by_hand(), by_hand("other")])).splitlines()
    assert lines[0] == "2 runs side by side, all figures simulated; figures an image unless headed otherwise"
    rule = next(index for index, line in enumerate(lines) if line.startswith("---"))
    heading = " ".join(lines[2:rule])
    assert heading.count("[") == heading.count("]") == 14
    assert heading.count("[M MAC") == 7


DEEP = drawn("deep", weights=1, macs=20, depth=9, spad=300)
SHALLOW = drawn("shallow", weights=50, macs=10, depth=3, dram=100, spad=50)


def test_the_answer_for_a_deeper_network_that_takes_more() -> None:
    sentences = verdict([SHALLOW, DEEP])
    assert all(sentence.startswith("eyeriss-v1, batch 1 (analytic): ") for sentence in sentences)
    assert [sentence.split(": ", 1)[1] for sentence in sentences] == [
        "least energy: shallow, 150.0 M MAC an image; most: deep, 2 x as much",
        (
            "of 1 pair of a shallower network with more weights and a deeper one with fewer, the deeper takes less "
            "energy in none, the shallower in 1 (shallow than deep)"
        ),
        (
            "fewer weights, more energy: deep with 0.02 x the weights of shallow takes 2 x its energy: the difference, "
            "+150.0 M MAC an image, is by level spad +250.0, DRAM -100.0, and by tensor ifmap +250.0, filter -100.0"
        ),
    ]


def test_the_answer_turns_with_the_figures() -> None:
    thrifty = drawn("deep", weights=1, macs=20, depth=9, spad=30)
    sentences = verdict([SHALLOW, thrifty])
    assert "the deeper takes less energy in 1 (deep than shallow), the shallower in none" in sentences[1]
    assert ": fewer MACs, more energy: shallow with 0.5 x the MACs of deep takes 5 x its energy: " in sentences[2]
    assert not any("fewer weights, more energy" in sentence for sentence in sentences)


def test_the_most_contrary_pair_comes_first_and_the_others_are_named() -> None:
    middle = drawn("middle", weights=25, macs=10, depth=3, spad=160)
    sentence = next(text for text in verdict([SHALLOW, middle, DEEP]) if "fewer weights" in text.split(":")[1])
    assert ": fewer weights, more energy: deep with 0.02 x the weights of shallow takes 2 x" in sentence
    assert "; also deep with 0.04 x the weights of middle takes 1.88 x its energy" in sentence
    assert sentence.endswith("; also middle with 0.5 x the weights of shallow takes 1.07 x its energy")


def test_much_more_energy_counts_for_as_much_as_far_fewer_weights() -> None:
    few, half = drawn("few", weights=20, macs=1, spad=110), drawn("half", weights=50, macs=1, spad=1000)
    sentence = next(
        text for text in verdict([drawn("all", weights=100, macs=1, spad=100), few, half]) if "also" in text
    )
    assert ": half with 0.5 x the weights of all takes 10 x its energy: " in sentence
    assert sentence.endswith("; also few with 0.2 x the weights of all takes 1.1 x its energy")


def test_networks_are_held_against_one_another_under_the_same_conditions_only() -> None:
    elsewhere = replace(DEEP, batch=16)
    assert verdict([SHALLOW, elsewhere]) == ()
    (sentence,) = verdict([replace(SHALLOW, label="a"), replace(SHALLOW, label="b", batch=2)])
    assert sentence == (
        "shallow in 2 runs: least energy: b, 75.00 M MAC an image; most: a, 2 x as much: the difference, +75.00 M MAC "
        "an image, is by level DRAM +50.00, spad +25.00, and by tensor filter +50.00, ifmap +25.00"
    )


def test_equal_energies_are_called_equal() -> None:
    (sentence,) = verdict([replace(SHALLOW, label="a"), replace(SHALLOW, label="b")])
    assert sentence == "shallow in 2 runs: all take the same energy, 150.0 M MAC an image"


def test_a_run_that_takes_nothing_has_no_ratio() -> None:
    (sentence,) = verdict([SHALLOW, drawn("free", weights=50, macs=10, depth=3)])
    assert sentence.endswith("least energy: free, none; most: shallow, 150.0 M MAC an image")


def test_the_json_object_and_the_text_say_the_same() -> None:
    comparison: Comparison = comparison_of([SHALLOW, DEEP])
    found, text = comparison.to_dict(), comparison_text(comparison)
    for sentence in found["answer"]:
        assert f"answer: {sentence}\n" in text
    for note in found["notes"]:
        assert f"note: {note}\n" in text
