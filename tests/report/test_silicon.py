"""Are the published figures shown as published, beside simulated ones and their error?"""

import pytest

from simulator.report.silicon import compare, compare_total, comparison_text, jssc2017_table5
from tests.report.by_hand import layer_result, network_result


def test_the_published_columns_add_up_to_the_published_totals() -> None:
    table = jssc2017_table5()
    for key, rounding in (
        ("total_ms", 0.25),
        ("processing_ms", 0.25),
        ("macs_m", 0.25),
        ("glb_mb", 0.25),
        ("dram_mb", 0.25),
    ):
        assert sum(layer[key] for layer in table.layers.values()) == pytest.approx(table.total[key], abs=rounding)


def test_every_published_figure_says_how_sure_it_is() -> None:
    table = jssc2017_table5()
    assert set(table.certainty.values()) == {"seen", "transcribed"}
    assert table.certainty["processing_ms"] == table.certainty["ifmap_zeros_pct"] == "transcribed"
    for figures in (*table.layers.values(), table.total):
        assert set(figures) == set(table.certainty)


def test_a_megabyte_is_a_million_bytes() -> None:
    """CONV1's array-side GLB words with the published mapping, without padding (reads of ifmap and filters, psums)."""
    strips, groups, channels = 8, 3, 3
    ifmap_rows = 7 * ((7 - 1) * 4 + 11) + (6 - 1) * 4 + 11
    ifmap = 4 * groups * channels * ifmap_rows * 227
    filters = 4 * strips * 96 * channels * 11 * 11
    psums = 4 * 96 * 55 * 55 * (channels + channels - 1)
    table = jssc2017_table5()
    assert 2 * (ifmap + filters + psums) / table.bytes_per_mb == pytest.approx(
        table.layers["CONV1"]["glb_mb"], rel=0.01
    )


def test_errors_are_relative_to_what_was_published() -> None:
    table = jssc2017_table5()
    row = compare(network_result(layer_result("CONV1")), table)[0]
    assert row.published["processing_ms"] == 16.5
    assert row.simulated == {
        "processing_ms": 0.1,
        "total_ms": 0.125,
        "active_pes": 154.0,
        "glb_mb": 10.0,
        "dram_mb": 3.0,
    }
    assert row.error_percent("processing_ms") == pytest.approx(100 * (0.1 - 16.5) / 16.5)
    assert row.error_percent("active_pes") == 0


def test_layers_that_were_not_measured_are_left_out() -> None:
    result = network_result(layer_result("CONV1"), layer_result("FC6"))
    assert [row.name for row in compare(result, jssc2017_table5())] == ["CONV1"]


def test_the_text_names_simulated_published_and_error_with_units() -> None:
    table = jssc2017_table5()
    result = network_result()
    text = comparison_text(compare(result, table), [compare_total(result, table)], table)
    heads = [line.split() for line in text.splitlines()[:3]]
    assert heads[1] == ["simulated", "published", "error"] * 5
    assert heads[2] == [
        "layer",
        *(cell for unit in ("ms", "ms", "PEs", "MB", "MB") for cell in (f"[{unit}]", f"[{unit}]", "[%]")),
    ]
    first = "CONV1 0.10 16.5 -99.4 0.12 20.9 -99.4 154.0 154 0.0 10.00 18.5 -45.9 3.00 5.0 -40.0"
    assert first.split() in [line.split() for line in text.splitlines()]
    assert "mean absolute error over 2 layers: processing 99.3 % (largest 99.4 %)" in text
    assert (
        "MB = 1,000,000 bytes; processing as transcribed by others, the rest seen in the authors' own document" in text
    )
