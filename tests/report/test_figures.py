"""Does each figure show the run's own numbers, and is it drawn where they say?"""

import csv
import io
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest

from simulator.report.pictures.bar_lengths import segments
from simulator.report.pictures.figure_data import Bars, FigureData, Points
from simulator.report.pictures.page_parts import svg_of
from simulator.report.pictures.point_places import Axis, dots, name_boxes
from simulator.report.pictures.pruning_figures import pruning_figures, pruning_path
from simulator.report.pictures.run_figures import array_figures, run_figures
from simulator.report.pictures.several_runs import difference_figures, totals_of
from simulator.report.pictures.stored_runs import StoredPruning, StoredRun, StoredValidation, read_stored
from simulator.report.pictures.svg import log_ticks, ticks
from simulator.report.pictures.validation_figures import validation_figures
from tests.report.run_folders import estimated_folder, pruned_folder, validated_folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    found = read_stored(estimated_folder(tmp_path_factory.mktemp("runs") / "run"))
    assert isinstance(found, StoredRun)
    return found


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    found = read_stored(estimated_folder(tmp_path_factory.mktemp("runs") / "larger", "--batch", 4))
    assert isinstance(found, StoredRun)
    return found


def named(run: StoredRun, name: str) -> FigureData:
    return data_of(next(figure for figure in run_figures(run) if figure.name == name))


def data_of(figure: object) -> FigureData:
    assert isinstance(figure, FigureData)
    return figure


def marks(svg: Element) -> list[Element]:
    return [element for element in svg.iter() if "mark" in element.get("class", "").split()]


@pytest.mark.parametrize("name", ["energy-by-level", "energy-by-tensor"])
def test_energies_of_a_row_are_the_layers(run: StoredRun, name: str) -> None:
    for row, total in zip(named(run, name).rows, run.layer_numbers("energy.total"), strict=True):
        assert sum(float(str(energy)) for energy in row[1:]) == pytest.approx(total, rel=1e-12)


def test_states_of_a_row_are_all_pe_cycles(run: StoredRun) -> None:
    for row, cycles in zip(named(run, "pe-states").rows, run.layer_numbers("total_cycles"), strict=True):
        assert sum(int(str(state)) for state in row[1:]) == 168 * cycles


def test_stacked_bars_are_as_long_as_their_energies(run: StoredRun) -> None:
    figure = named(run, "energy-by-level")
    widths = [float(mark.attrib["width"]) for mark in marks(svg_of(figure))]
    assert isinstance(figure.drawing, Bars)
    energies = [float(str(energy)) for row in figure.rows for energy in row[1:]]
    scale = max(widths) / max(energies)
    assert widths == pytest.approx([max(energy * scale, 0.4) for energy in energies], abs=0.02)


def test_shares_end_at_100_percent(run: StoredRun) -> None:
    figure = named(run, "pe-states")
    assert isinstance(figure.drawing, Bars)
    for row in range(len(figure.rows)):
        assert segments(figure, figure.drawing, row)[-1].stop == pytest.approx(100)


def test_no_layer_is_above_the_roof(run: StoredRun) -> None:
    figure = named(run, "roofline")
    assert isinstance(figure.drawing, Points)
    (_, corner), (flat, _) = (guide.points for guide in figure.drawing.guides)
    assert corner == flat == (70.0, 168.0)  # 168 PEs over 64 bits at 60 of 200 MHz, 2.4 bytes a cycle
    for dot in dots(figure, figure.drawing):
        assert dot.y <= min(168.0, 2.4 * dot.x)


def test_a_mark_says_its_numbers(run: StoredRun) -> None:
    first = marks(svg_of(named(run, "energy-by-level")))[0].find("title")
    assert first is not None
    assert first.text is not None
    assert first.text.startswith("CONV1, MAC: 105,40")


def test_the_csv_has_units_and_the_origin_in_every_row(run: StoredRun) -> None:
    rows = list(csv.DictReader(io.StringIO(named(run, "roofline").csv())))
    assert [row["layer"] for row in rows] == ["CONV1", "CONV5", "FC3"]
    assert {row["origin"] for row in rows} == {"analytic"}
    first = {name: float(rows[0][name]) for name in ("macs [MACs]", "dram_bytes [bytes]")}
    assert float(rows[0]["macs_per_dram_byte [MACs/byte]"]) == first["macs [MACs]"] / first["dram_bytes [bytes]"]


def test_an_array_has_each_set_in_its_place(run: StoredRun) -> None:
    work, held = map(data_of, array_figures(run, "CONV5"))
    assert len(marks(svg_of(held))) == len(held.rows)
    assert work.drawing != held.drawing
    shares = [float(str(share)) for share in work.values("share")]
    pes = [rows * columns for rows, columns in zip(work.numbers("rows"), work.numbers("columns"), strict=True)]
    busy = sum(share * count for share, count in zip(shares, pes, strict=True)) / 168
    assert busy == pytest.approx(run.layer_numbers("utilization")[1])


def test_a_wide_array_is_drawn_without_labels(tmp_path: Path) -> None:
    wide = tmp_path / "wide.toml"
    from simulator.spec.load import accelerator_text

    text = accelerator_text("eyeriss-v1")
    wide.write_text(text.replace("rows = 12", "rows = 64").replace("columns = 14", "columns = 256"))
    stored = read_stored(estimated_folder(tmp_path / "run", "--arch", wide))
    assert isinstance(stored, StoredRun)
    for figure in array_figures(stored, "CONV5"):
        svg = svg_of(data_of(figure))
        assert len(list(svg.iter("text"))) == 64 / 8 + 256 / 8


def test_differences_are_to_the_first_and_of_one_image(run: StoredRun, larger: StoredRun) -> None:
    levels, energies, times = difference_figures([run, larger])
    assert [len(levels.rows), len(energies.rows), len(times.rows)] == [2, 3, 3]
    for row, first, second in zip(
        energies.rows, run.layer_numbers("energy.total"), larger.layer_numbers("energy.total"), strict=True
    ):
        assert row[1] == pytest.approx(second / 4 - first)
    assert energies.rows[2][1] is not None
    assert float(str(energies.rows[2][1])) < 0, "FC3's filters are read once a batch"
    assert not difference_figures([run])
    weights = totals_of([run, larger])[0]
    assert weights.amounts[0] == weights.amounts[1]


def test_what_is_below_zero_is_left_of_it(run: StoredRun, larger: StoredRun) -> None:
    figure = difference_figures([run, larger])[1]
    svg = svg_of(figure)
    (axis,) = (line for line in svg.iter("line") if line.get("class") == "axis")
    zero = float(axis.attrib["x1"])
    for mark, row in zip(marks(svg), figure.rows, strict=True):
        left, width = float(mark.attrib["x"]), float(mark.attrib["width"])
        edge = left + width if float(str(row[1])) < 0 else left
        assert edge == pytest.approx(zero, abs=0.5)


def test_the_path_of_a_pruning_run(tmp_path: Path) -> None:
    stored = read_stored(pruned_folder(tmp_path / "pruned"))
    assert isinstance(stored, StoredPruning)
    path, _, left, _ = pruning_figures(stored)
    assert path.values("energy_left") == [100, 60, 60, 50]
    assert path.values("taken_back") == [False, False, True, False]
    classes = [mark.get("class", "") for mark in marks(svg_of(path))]
    assert ["hollow" in each for each in classes] == [False, False, True, False]
    said = [mark.findtext("title", "") for mark in marks(svg_of(path))]
    assert [each.endswith(", taken back") for each in said] == [False, False, True, False]
    assert not any("True" in each or "False" in each for each in said)
    name, weights, nonzero_macs, cycles, energy = left.rows[1]
    assert (name, nonzero_macs, energy) == ("conv2", None, 100 * 20 / 60)
    assert (weights, cycles) == (100 * 2359 / 4608, 100 * 78551 / 79694)
    two = pruning_path([stored, stored])
    assert len(set(two.values("run"))) == 1, "of one name here, as of one folder"


def test_a_validation_has_both_ways(tmp_path: Path) -> None:
    stored = read_stored(validated_folder(tmp_path / "validated"))
    assert isinstance(stored, StoredValidation)
    energy, cycles, errors, counts = validation_figures(stored)
    assert [row[0] for row in energy.rows] == [row[0] for row in cycles.rows] == ["CONV5", "FC3"]
    for row, error in zip(energy.rows, errors.rows, strict=False):
        assert 100 * (float(str(row[2])) / float(str(row[1])) - 1) == pytest.approx(float(str(error[1])))
    assert [row[0] for row in errors.rows] == ["CONV5", "FC3", "total"]
    assert isinstance(counts.drawing, Points)
    above_zero = [row for row in counts.rows if min(float(str(row[3])), float(str(row[4]))) > 0]
    assert len(marks(svg_of(counts))) == len(above_zero) < len(counts.rows)


def test_ticks_are_round_and_inside() -> None:
    assert ticks(0, 22_563) == [0, 5000, 10_000, 15_000, 20_000]
    assert ticks(-0.006, 0.043) == pytest.approx([0, 0.01, 0.02, 0.03, 0.04])
    assert ticks(3, 3) == [3]
    assert log_ticks(0.4, 30) == [0.5, 1, 2, 5, 10, 20]
    assert log_ticks(50, 2e10)[0] == 100


def test_axes_place_their_ends_at_0_and_1() -> None:
    for axis in (Axis(low=2, high=8, is_logarithmic=False), Axis(low=2, high=8, is_logarithmic=True)):
        assert (axis.place(2), axis.place(8)) == (0, 1)
    assert Axis(low=1, high=100, is_logarithmic=True).place(10) == pytest.approx(0.5)


def test_names_cover_neither_points_nor_one_another() -> None:
    places = [(50.0, 50.0), (52.0, 50.0), (51.0, 52.0), (50.0, 51.0), (51.0, 50.0), (51.0, 51.0)]
    found = list(name_boxes(places, [("name", 30.0)] * 6, 10.0, (0, 0, 100, 100)))
    boxes = [box for box in found if box]
    assert 1 <= len(boxes) < 6, "there is no room for all"
    for number, box in enumerate(boxes):
        others = boxes[number + 1 :] + [(x, y, x, y) for x, y in places]
        assert not any(
            box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3] for other in others
        )
