"""Does each fault of a mapping file have its message?"""

from pathlib import Path

import pytest

from simulator.errors import MappingError
from simulator.mapping.load import load_mappings, published_mappings

WHOLE = "[CONV1]\nm = 1\nn = 1\ne = 1\np = 1\nq = 1\nr = 1\nt = 1\n"


def test_published_sets() -> None:
    assert published_mappings() == ("jssc2017", "jssc2017-conv3b")
    published, other = load_mappings("jssc2017"), load_mappings("jssc2017-conv3b")
    assert {name for name in published if published[name] != other[name]} == {"CONV3"}


def test_g_may_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(WHOLE)
    assert load_mappings(tmp_path / "m.toml")["CONV1"].g == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[CONV1", "m.toml: not TOML: "),
        (WHOLE.replace("p = 1\n", ""), "CONV1.p: missing"),
        (WHOLE.replace("p = 1", "p = 0"), "CONV1.p: Input should be greater than or equal to 1"),
        (WHOLE.replace("p = 1", 'p = "1"'), "CONV1.p: Input should be a valid integer"),
        (WHOLE + "z = 1\n", "CONV1.z: unknown key"),
        ("m = 1\n", "m: not a table"),
        ("", "m.toml: no mappings; docs/reference.md shows the layout of a mapping file"),
    ],
)
def test_faults(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "m.toml").write_text(text)
    with pytest.raises(MappingError) as caught:
        load_mappings(tmp_path / "m.toml")
    assert message in str(caught.value)


def test_all_faults_at_once(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(WHOLE.replace("p = 1", "p = 0").replace("q = 1", "q = -2"))
    with pytest.raises(MappingError, match=r"(?s)each layer needs m n e p q r t .*CONV1\.p: .*CONV1\.q: "):
        load_mappings(tmp_path / "m.toml")


def test_no_such_file() -> None:
    with pytest.raises(MappingError, match=r"jssc2018: no such mapping or file; did you mean 'jssc2017'\?"):
        load_mappings("jssc2018")
    with pytest.raises(MappingError, match=r"zzz\.toml: no such mapping or file; shipped: jssc2017, jssc2017-conv3b"):
        load_mappings("zzz.toml")


def test_not_text(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MappingError, match=r"m.toml: cannot be read as text .*; give a TOML file"):
        load_mappings(tmp_path / "m.toml")
