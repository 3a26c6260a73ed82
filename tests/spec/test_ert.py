"""Is an ERT alone refused with the lines that make a table of it, and a file that is no ERT with what is wrong?"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.counts import MEANING, Access, Action, Level, Tensor
from simulator.errors import SpecError
from simulator.spec.energy_table import load_energy_table
from tests.spec.energy_files import ERT, ERT_REMEDY, REMEDY, message_of, table_of

FILTER_READ = Access(Level.SPAD, Tensor.FILTER, Action.READ)


def test_an_ert_alone_is_refused_with_the_lines_that_would_do(tmp_path: Path) -> None:
    draft = """\
ERT.yaml: an ERT does not say how many 16-bit words an action moves, nor what a word costs on the NoC; \
save these lines as a TOML file with a value for each ?, and give that
unit = "pJ"
ert = "ERT.yaml"
mac = { component = "top.PE[0..167].mac", action = "mac_random", words = ? }
spad = { component = "top.PE[0..167].psum_spad", action = "read", words = ? }
glb = { component = "top.shared_glb[1..1]", action = "read", words = ? }
dram = { component = ?, action = ?, words = ? }  # none is called dram or main_memory or mainmemory
noc = { per_access = ?, source = ? }  # or a component as above: of a word delivered, passed on or collected
[access]
"spad.ifmap.read" = { component = "top.PE[0..167].ifmap_spad", action = "read", words = ? }
"spad.ifmap.write" = { component = "top.PE[0..167].ifmap_spad", action = "fill", words = ? }
"spad.filter.read" = { component = ?, action = ?, words = ? }  # top.PE[0..167].weights_spad or top.weights_spad
"spad.filter.write" = { component = ?, action = ?, words = ? }  # top.PE[0..167].weights_spad or top.weights_spad
"spad.psum.write" = { component = "top.PE[0..167].psum_spad", action = "update", words = ? }
"glb.ifmap.fill" = { component = "top.shared_glb[1..1]", action = "update", words = ? }
"glb.filter.fill" = { component = "top.shared_glb[1..1]", action = "update", words = ? }
"glb.psum.write" = { component = "top.shared_glb[1..1]", action = "update", words = ? }
"dram.psum.write" = { component = ?, action = ?, words = ? }  # none is called dram or main_memory or mainmemory
# components of ERT.yaml: top.HBM[1..1] (read, write), top.shared_glb[1..1] (read, update), \
top.PE[0..167].ifmap_spad (read, fill), top.PE[0..167].weights_spad (read), \
top.PE[0..167].psum_spad (read, update, leak), top.PE[0..167].mac (mac_random, mac_gated), \
top.weights_spad (transfer_random)"""
    text = ERT.replace("top.DRAM", "top.HBM").replace("top.ifmap_NoC", "top.weights_spad")
    assert message_of(tmp_path, text, "ERT.yaml") == draft


def test_the_lines_make_a_table_once_filled_in(tmp_path: Path) -> None:
    lines = message_of(tmp_path, ERT.replace("name: read, energy: 2.0", "name: write, energy: 2.0"), "ERT.yml").split(
        "\n"
    )
    (tmp_path / "ERT.yml").write_text(ERT)
    text = "\n".join(lines[1:]).replace("per_access = ?, source = ?", 'per_access = 2.0, source = "wire model"')
    assert message_of(tmp_path, text).startswith("mine.toml: not TOML: ")
    filled = text.replace("words = ?", "words = 4").replace("action = ?", 'action = "read"')
    filled = filled.replace('action = "write", words = 4 }\n"spad.psum', 'action = "read", words = 4 }\n"spad.psum')
    table = table_of(tmp_path, filled)
    assert table.cost_of(FILTER_READ).per_access == 0.5
    assert set(table.access) < {str(access) for access in MEANING}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"no key ERT at the top; {ERT_REMEDY}"),
        ("- 1", f"no key ERT at the top; {ERT_REMEDY}"),
        ("ERT: 3", f"1 fault; {ERT_REMEDY}\n  ERT: not a table"),
        ("ERT: {version: 0.4}", f"1 fault; {ERT_REMEDY}\n  ERT.tables: missing"),
        ("ERT: {tables: {a: {read: 3}}}", f"1 fault; {ERT_REMEDY}\n  ERT.tables.0.actions.0: not a table"),
        (
            "ERT: {tables: [{name: a, actions: []}, {name: a, actions: []}]}",
            f"1 fault; {ERT_REMEDY}\n  ERT.tables: a is there more than once",
        ),
        ("ERT: &a {tables: [*a]}", "has the alias *a; write its value out, as Accelergy does"),
        ("[" * 21 + "]" * 21, f"nested more than 20 deep; {ERT_REMEDY}"),
    ],
)
def test_not_an_ert(tmp_path: Path, text: str, message: str) -> None:
    assert message_of(tmp_path, text, "ERT.yaml") == f"ERT.yaml: {message}"


@pytest.mark.parametrize(
    ("energy", "fault"),
    [
        ("much", "Input should be a valid number, unable to parse string as a number"),
        (".nan", "Input should be a valid number, unable to parse string as a number"),
        ("nan", "Input should be a finite number"),
        ("1e400", "Input should be a finite number"),
        ("-1", "Input should be greater than or equal to 0"),
        ("1e13", "Input should be less than or equal to 1000000000000"),
    ],
)
def test_energies_that_are_none(tmp_path: Path, energy: str, fault: str) -> None:
    text = f"ERT: {{tables: [{{name: a, actions: [{{name: read, energy: {energy}}}]}}]}}"
    start = f"ERT.yaml: 1 fault; {ERT_REMEDY}\n  ERT.tables.0.actions.0.energy: "
    assert message_of(tmp_path, text, "ERT.yaml") == f"{start}{fault}, the value {energy!r}"


@pytest.mark.parametrize("text", ["ERT: [", "ERT: \x07", "a: 1\n---\nb: 1", "ERT: *a", "[" * 100_000])
def test_not_yaml(tmp_path: Path, text: str) -> None:
    """What the YAML reader says, in one line. How deep it goes before we can count is its own affair."""
    message = message_of(tmp_path, text, "ERT.yaml")
    assert message.startswith(("ERT.yaml: not YAML: ", "ERT.yaml: has the alias *a", "ERT.yaml: nested more than"))
    assert message.endswith((ERT_REMEDY, "as Accelergy does"))
    assert "\n" not in message


def test_a_file_too_large(tmp_path: Path) -> None:
    found = message_of(tmp_path, "#" * 2_000_001, "ERT.yaml")
    assert found == "ERT.yaml: more than 2 MB, the most that is read; give an Accelergy ERT"
    found = message_of(tmp_path, "#" * 1_000_001)
    assert found == f"mine.toml: more than 1 MB, the most that is read; {REMEDY}"


def test_of_very_many_faults_some_are_told(tmp_path: Path) -> None:
    actions = [{"name": "read", "energy": "x" * 1000}] * 60
    found = message_of(tmp_path, json.dumps({"ERT": {"tables": [{"name": "a", "actions": actions}]}}), "ERT.yaml")
    assert found.startswith(f"ERT.yaml: 60 faults; {ERT_REMEDY}\n  ERT.tables.0.actions.0.energy: ")
    assert found.endswith("\n  and 10 more")
    assert "xx" not in found


_SCALARS = st.sampled_from([None, True, 1, -1, 1.5, "a", "1e-09", "nan", "null", ""])
_KEYS = st.sampled_from(["name", "actions", "energy", "arguments", "read", "tables"])
_TREES = st.recursive(_SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4))


@given(tree=_TREES, extra=st.text(max_size=3))
def test_whatever_stands_in_an_ert_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, tree: object, extra: str
) -> None:
    file = tmp_path_factory.mktemp("ert") / "ERT.yaml"
    text = json.dumps({"ERT": {"tables": tree}}) + extra
    file.write_text(text, encoding="utf-8", errors="replace")
    with pytest.raises(SpecError, match=r"ERT\.yaml: "):
        load_energy_table(file)


def test_yaml_is_imported_only_to_read_yaml() -> None:
    code = "import sys, simulator.spec.energy_table; sys.exit('yaml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
