"""Can a layer's energy be redone from what is shown of it, and is what is said of its mapping so?"""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from picojoule.explain import explained
from picojoule.options import EstimateOptions
from simulator import estimate_layer
from simulator.counts import MEANING, Level
from simulator.errors import MappingError
from simulator.estimation import estimate
from simulator.mapping.fits import check_fits
from simulator.report.choice_words import Choice, in_letters
from simulator.report.count_formulas import formula_of
from simulator.report.energy_sum import terms_of
from simulator.report.explanation import EXCLUDED, Explanation, explanation_text
from simulator.results import LayerResult
from simulator.spec.load import load_accelerator
from workloads import open_workload

GIVEN = EstimateOptions(batch=4, mapping="jssc2017")
SEARCHED = EstimateOptions(batch=4)
NARROW = EstimateOptions(batch=2, bits="weight=4,activation=8")
PARTLY_CHARGED = EstimateOptions(arch="isca16-256", zeros="tensors")


@pytest.fixture(scope="module")
def given() -> Explanation:
    return explained("alexnet", "CONV3", GIVEN)


@pytest.fixture(scope="module")
def searched() -> Explanation:
    return explained("alexnet", "CONV3", SEARCHED)


def lines_after(text: str, start: str) -> list[str]:
    """The lines below the one that starts so, up to an empty one."""
    lines = text.splitlines()
    first = next(index for index, line in enumerate(lines) if line.startswith(start)) + 1
    return lines[first : lines.index("", first)]


@pytest.mark.parametrize("options", [GIVEN, SEARCHED, NARROW, PARTLY_CHARGED])
def test_the_rows_sum_to_the_estimate_and_each_is_its_bits_times_its_cost(options: EstimateOptions) -> None:
    explanation = explained("alexnet", "CONV3", options)
    terms = terms_of(explanation.of_layer, explanation.accelerator)
    for term in terms:
        amount = term.count if term.bits is None else term.bits / 16
        assert term.energy == pytest.approx(amount * term.cost, rel=1e-12)
    alone = estimate(
        "alexnet",
        accelerator=options.arch,
        batch=options.batch,
        layers=["CONV3"],
        mapping=options.mapping,
        zeros=options.zeros,
        bits=options.bits,
    ).layers[0]
    assert sum(term.energy for term in terms) == pytest.approx(alone.energy.total, rel=1e-12)
    assert [term.name for term in terms] == [*map(str, alone.counts.words), "mac"]


def test_the_text_has_every_term_with_its_count_bits_cost_and_energy(given: Explanation) -> None:
    lines = lines_after(explanation_text(given), "(analytic)           [words")[1:]
    rows = {line.split()[0]: [float(cell.replace(",", "")) for cell in line.split()[1:]] for line in lines}
    for term in terms_of(given.of_layer, given.accelerator):
        figures = (term.count, term.bits, term.cost, term.energy)
        assert rows.pop(term.name) == [figure for figure in figures if figure is not None]
    assert not rows


def test_every_term_says_what_one_count_is_and_every_cost_where_it_is_from(given: Explanation) -> None:
    lines = explanation_text(given).splitlines()
    for access, meaning in MEANING.items():
        formula = formula_of(access, given.accelerator.gating)
        assert f"  {access} = {formula}: {meaning}" in lines
    for level, label in ((Level.DRAM, "DRAM"), (Level.GLB, "GLB"), (Level.NOC, "NoC"), (Level.SPAD, "spad")):
        cost = getattr(given.accelerator.energy, level.value)
        assert f"  {cost.per_access:g} for every {label} access: {cost.source}" in lines
    assert f"  1 for a MAC: {given.accelerator.energy.mac.source}" in lines


def test_levels_and_tensors_add_up_in_the_text(given: Explanation) -> None:
    rows = [line.replace(",", "").split() for line in lines_after(explanation_text(given), "level ")]
    figures = {row[0]: [float(cell) for cell in row[1:]] for row in rows if row[0][0] != "-"}
    for level in ("spad", "NoC", "GLB", "DRAM"):
        *tensors, total, share = figures[level]
        assert sum(tensors) == pytest.approx(total, abs=0.01)
        assert share == pytest.approx(100 * total / given.of_layer.energy.total, abs=0.0501)
    assert sum(figures["total"][:3]) + figures["MAC"][0] == pytest.approx(figures["total"][3], abs=0.01)
    assert figures["total"][3] == pytest.approx(given.of_layer.energy.total, abs=0.01)


def test_an_access_that_is_not_charged_is_shown_at_0_with_the_reason() -> None:
    explanation = explained("alexnet", "CONV3", PARTLY_CHARGED)
    free = [str(access) for access in sorted(explanation.accelerator.charges.free)]
    terms = {term.name: term for term in terms_of(explanation.of_layer, explanation.accelerator)}
    for name in free:
        assert (terms[name].cost, terms[name].energy, terms[name].is_charged) == (0, 0, False)
        assert terms[name].count > 0
    why = f"  0 for {', '.join(free)}: not charged: {explanation.accelerator.charges.why}"
    assert why in explanation_text(explanation).splitlines()


def test_a_mac_of_narrow_operands_costs_by_both_widths() -> None:
    explanation = explained("alexnet", "CONV3", NARROW)
    mac = terms_of(explanation.of_layer, explanation.accelerator)[-1]
    assert (mac.name, mac.cost) == ("mac", 8 * 4 / 256)
    assert "its operands have 8 x 4 bits: x 8 x 4 / 256\n" in explanation_text(explanation)


def test_each_neighbour_is_a_fresh_estimate_or_the_reason_why_it_does_not_fit(given: Explanation) -> None:
    workload, machine = open_workload("alexnet", batch=4), load_accelerator("eyeriss-v1")
    layer = next(layer for layer in workload.layers if layer.name == "CONV3")
    assert workload.densities is not None
    mapping, densities = given.of_layer.mapping, workload.densities.of_layer["CONV3"]
    changes = [(letter, value + by) for letter, value in mapping.to_dict().items() for by in (-1, 1)]
    assert list(given.neighbours) == [(letter, value) for letter, value in changes if value >= 1]
    for (letter, value), other in given.neighbours.items():
        changed = replace(mapping, **{letter: value})
        if isinstance(other, LayerResult):
            fresh = estimate_layer(layer, densities, changed, machine)
            assert (other.mapping, other.energy.total) == (changed, fresh.energy.total)
            assert other.total_cycles == fresh.total_cycles
        else:
            with pytest.raises(MappingError, match=re.escape(f"CONV3: {other}; lower ")):
                check_fits(changed, layer, machine)


def test_differences_by_level_add_up_and_refusals_are_short(given: Explanation) -> None:
    text = explanation_text(given)
    rows = re.findall(r"^([a-z]) = (\d+) ([ \d.+-]+)$", text, flags=re.M)
    fitting = [change for change, other in given.neighbours.items() if isinstance(other, LayerResult)]
    assert [(letter, int(value)) for letter, value, _ in rows] == fitting
    for *_, figures in rows:
        *levels, total, _ = (float(cell) for cell in figures.split())
        assert sum(levels) == pytest.approx(total, abs=0.0201)
    assert "  n = 5: more than the layer's 4 images\n" in text
    assert "  q = 5: q*S = 15 ifmap words exceed the 12-word ifmap spad\n" in text


def test_a_searched_mapping_has_no_better_neighbour(searched: Explanation) -> None:
    text = explanation_text(searched)
    assert "  searched: least energy, for the whole batch, of the mappings that fit; of equals, one with" in text
    assert "None has less energy.\n" in text
    own = searched.of_layer.energy.total
    for other in searched.neighbours.values():
        assert isinstance(other, str) or other.energy.total >= own * (1 - 1e-9)


def test_a_given_mapping_is_compared_with_the_search(given: Explanation, searched: Explanation) -> None:
    energy = 1 - searched.of_layer.energy.total / given.of_layer.energy.total
    cycles = searched.of_layer.total_cycles / given.of_layer.total_cycles - 1
    assert energy > 0
    said = f"{100 * abs(cycles):.2f} % {'more' if cycles > 0 else 'less'} cycles"
    assert (
        "  given by jssc2017, not searched; what the search for least energy finds, "
        f"{in_letters(searched.of_layer.mapping)}, costs {100 * energy:.2f} % less energy and takes {said}\n"
    ) in explanation_text(given)


def test_a_given_mapping_that_the_search_finds_too(searched: Explanation, tmp_path: Path) -> None:
    file = tmp_path / "same.toml"
    lines = [f"{letter} = {value}" for letter, value in searched.of_layer.mapping.to_dict().items()]
    file.write_text("\n".join(["[CONV3]", *lines]))
    text = explanation_text(explained("alexnet", "CONV3", replace(SEARCHED, mapping=str(file))))
    assert f"  given by {file}, not searched; the search for least energy finds the same mapping\n" in text


def test_a_neighbour_that_costs_less_is_named(tmp_path: Path) -> None:
    file = tmp_path / "poor.toml"
    file.write_text("[CONV3]\nm = 8\nn = 1\ne = 13\np = 8\nq = 1\nr = 1\nt = 1\n")
    explanation = explained("alexnet", "CONV3", replace(SEARCHED, mapping=str(file)))
    costs = {
        change: other.energy.total for change, other in explanation.neighbours.items() if isinstance(other, LayerResult)
    }
    (letter, value), least = min(costs.items(), key=lambda item: item[1])
    less = 1 - least / explanation.of_layer.energy.total
    assert less > 0
    assert f"\n{letter} = {value} has {100 * less:.2g} % less energy.\n" in explanation_text(explanation)


@pytest.mark.parametrize(
    ("goal", "said", "less"),
    [
        ("latency", "searched: fewest total cycles, or close to it", "fewer total cycles"),
        ("edp", "searched: least energy x total cycles, or close to it", "less energy x total cycles"),
    ],
)
def test_what_was_searched_for_is_what_neighbours_are_judged_by(
    given: Explanation, searched: Explanation, goal: str, said: str, less: str
) -> None:
    """The mapping of least energy is slow: another has fewer cycles than the neighbour of fewest."""
    choice = Choice(given=None, goal=goal)
    assert f"None has {less}.\n" in explanation_text(replace(given, choice=choice))
    slower = {("r", 1): given.of_layer, ("t", 9): searched.of_layer}
    text = explanation_text(replace(searched, choice=choice, neighbours=slower))
    assert said in text
    share = 1 - choice.cost_of(given.of_layer) / choice.cost_of(searched.of_layer)
    assert f"r = 1 has {100 * share:.2g} % {less}; docs/reference.md says how close the search comes.\n" in text


def test_the_mapping_in_words(given: Explanation) -> None:
    text = explanation_text(given)
    for line in (
        "  m = 64 of 384 ofmap channels: their psums stay in the GLB until all channels are in; 6 turns",
        "  n = all 4 images in a pass, which share its filters",
        "  p = 16 filters interleaved in each PE, which keeps a psum for each",
        "  t = 4 PE sets on different filters: they share ifmap words; p*t = 64 of m = 64 filters a pass",
        "  so each ifmap word comes from DRAM 6 times, each filter word once; each ofmap word leaves once",
        "384 passes, all alike; the fullest has 156 of 168 PEs at work:",
    ):
        assert f"{line}\n" in text


def test_strips_segments_and_groups_in_words() -> None:
    text = explanation_text(explained("alexnet", "CONV2", GIVEN))
    assert "  e = all 27 ofmap rows at once, the width of a PE set, in 2 segments of the array's 14 columns\n" in text
    assert "  G = 2 groups, each of M/G = 128 filters on C/G = 48 channels\n" in text
    assert "  g = 1 of 2 groups at once; 2 turns\n" in text
    strips = explanation_text(explained("alexnet", "CONV1", GIVEN))
    assert "of a PE set; 8 turns, each but the first reading 7 rows again\n" in strips


def test_a_folded_layer_says_what_runs(tmp_path: Path) -> None:
    file = tmp_path / "tall.csv"
    heading = "Layer name,IFMAP Height,IFMAP Width,Filter Height,Filter Width,Channels,Num Filter,Strides,"
    file.write_text(f"{heading}\ntall,32,32,16,3,4,8,1,\n")
    explanation = explained(str(file), "tall", EstimateOptions())
    assert explanation.as_run.R == 8
    text = explanation_text(explanation)
    assert "  runs folded (DEVIATIONS 12): filters of 8 x 3 on C = 8 channels, ifmaps of 24 x 32" in text
    assert "R x S = 16 x 3" in text


def test_what_is_excluded_is_said_in_text_and_json(given: Explanation) -> None:
    text = explanation_text(given)
    assert all(f"  {sentence}\n" in text for sentence in EXCLUDED)
    assert given.to_dict()["excluded"] == list(EXCLUDED)


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_gets_lines_no_longer_than_it_is_wide(given: Explanation, width: int) -> None:
    wide, narrow = explanation_text(given), explanation_text(given, width)
    assert max(map(len, narrow.splitlines())) <= width
    assert set(narrow.split()) >= set(wide.split())
    assert wide.isascii()
