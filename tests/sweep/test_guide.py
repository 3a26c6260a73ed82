"""Do the SPEC files in docs/sweeps.md do what it says?"""

import re
from pathlib import Path

import pytest

from simulator.sweep.area import AreaWeights
from simulator.sweep.points import PointMaker, count_of_points, listed_points
from simulator.sweep.spec_file import Search, SweepFile, parse_sweep

GUIDE = Path(__file__).parents[2] / "docs" / "sweeps.md"
SPECS = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.S)


@pytest.mark.parametrize(("text", "points"), list(zip(SPECS, [36, 3, 40], strict=True)), ids=["grid", "list", "search"])
def test_the_examples(text: str, points: int) -> None:
    spec = parse_sweep(text, where="docs/sweeps.md", folder=Path())
    assert count_of_points(spec) == points
    if spec.file.search is None:
        assert all(point.reason is None for point in listed_points(PointMaker(spec=spec)))


def test_the_reference_has_every_key() -> None:
    tables = {"area": list(AreaWeights.model_fields), "grid": ["<field>"], "search": list(Search.model_fields)}
    keys = {f"{name}.{key}" for name, inner in tables.items() for key in inner}
    keys |= set(SweepFile.model_fields) - set(tables)
    text = (GUIDE.parent / "reference.md").read_text(encoding="utf-8").split("## Sweep files\n")[1].split("\n## ")[0]
    documented = set(re.findall(r"^\| `([^`]+)`", text, flags=re.M))
    assert documented - {"search.fields.<field>"} == keys - {"search.fields"}
