"""Does the formula that is shown beside each access give its count, for any layer and mapping?"""

from contextlib import suppress
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.analytic.access_counts import count_accesses
from simulator.errors import MappingError
from simulator.mapping.fits import check_fits
from simulator.mapping.load import load_mappings
from simulator.mapping.reuse import reuse
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.report.count_formulas import FORMULAS
from simulator.spec.accelerator import Gating
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from simulator.spec.tensors import DENSE
from workloads import open_workload

CHIP = load_accelerator("eyeriss-v1")
UNGATED = CHIP.model_copy(update={"gating": Gating.model_validate(dict.fromkeys(Gating.model_fields, "never"))})


def by_formula(layer: Layer, mapping: RowStationaryMapping) -> dict[str, float]:
    letters = {letter: getattr(layer, letter) for letter in "NMCHWRSEFUVG"} | mapping.to_dict()
    names = {**letters, **asdict(reuse(layer, mapping))}
    return {str(access): eval(formula, {"__builtins__": {}}, names) for access, formula in FORMULAS.items()}


def counted(layer: Layer, mapping: RowStationaryMapping) -> dict[str, float]:
    words = count_accesses(layer, mapping, UNGATED, DENSE).words
    return {str(access): count for access, count in words.items()}


@pytest.mark.parametrize("name", [f"CONV{number}" for number in range(1, 6)])
def test_formulas_give_the_counts_of_published_mappings(name: str) -> None:
    layer = next(layer for layer in open_workload("alexnet", batch=4).layers if layer.name == name)
    mapping = load_mappings("jssc2017")[name]
    assert by_formula(layer, mapping) == counted(layer, mapping)


@given(st.data())
def test_formulas_give_the_counts_of_any_layer_and_mapping(data: st.DataObject) -> None:
    def draw(least: int, most: int) -> int:
        return data.draw(st.integers(least, most))

    groups = draw(1, 3)
    layer = Layer(
        name="any",
        N=draw(1, 3),
        M=groups * draw(1, 6),
        C=groups * draw(1, 6),
        H=draw(4, 9),
        W=draw(4, 9),
        R=draw(1, 4),
        S=draw(1, 4),
        U=draw(1, 5),
        V=draw(1, 5),
        G=groups,
        padding=(draw(0, 3), draw(0, 3), draw(0, 3), draw(0, 3)),
    )
    filters, channels = layer.M // groups, layer.C // groups
    m, e, q, p = draw(1, filters), draw(1, layer.E), draw(1, channels), draw(1, filters)
    p = min(m, p)
    r = draw(1, min(channels // q, 12 // layer.R))
    t, g = draw(1, min(4, m // p)), draw(1, groups)
    mapping = RowStationaryMapping(m=m, n=draw(1, layer.N), e=e, p=p, q=q, r=r, t=t, g=g)
    with suppress(MappingError):
        check_fits(mapping, layer, CHIP)
        assert by_formula(layer, mapping) == counted(layer, mapping)
