"""What a person is shown who brings an Accelergy ERT alone: the lines that would make an energy table of it."""

import json
from collections.abc import Iterable
from typing import NamedTuple

from simulator.spec.ert import Ert, first_of, last_part

# Names in the Eyeriss-like designs of Accelergy and Timeloop, in small letters.
_MAC = ("mac", "macs", "macc")
_IFMAP_SPAD = ("ifmap_spad",)
_FILTER_SPAD = ("weights_spad", "weight_spad", "filter_spad")
_PSUM_SPAD = ("psum_spad",)
_GLB = ("shared_glb", "global_buffer", "globalbuffer", "glb")
_DRAM = ("dram", "main_memory", "mainmemory")
# What a version of Accelergy or a library of components calls it; the first that a component has is taken.
_READ = ("read",)
_STORE = ("write", "fill", "update")
_ACCUMULATE = ("update", "write", "fill")


class _Line(NamedTuple):
    key: str
    components: tuple[str, ...]
    actions: tuple[str, ...]


_LEVELS = (
    _Line("mac", _MAC, ("compute", "mac_random")),
    _Line("spad", _PSUM_SPAD, _READ),
    _Line("glb", _GLB, _READ),
    _Line("dram", _DRAM, _READ),
)
_ACCESSES = (
    _Line("spad.ifmap.read", _IFMAP_SPAD, _READ),
    _Line("spad.ifmap.write", _IFMAP_SPAD, _STORE),
    _Line("spad.filter.read", _FILTER_SPAD, _READ),
    _Line("spad.filter.write", _FILTER_SPAD, _STORE),
    _Line("spad.psum.write", _PSUM_SPAD, _ACCUMULATE),
    _Line("glb.ifmap.fill", _GLB, _STORE),
    _Line("glb.filter.fill", _GLB, _STORE),
    _Line("glb.psum.write", _GLB, _ACCUMULATE),
    _Line("dram.psum.write", _DRAM, _ACCUMULATE),
)


def draft(ert: Ert, where: str) -> str:
    """Why an ERT is no table, and the TOML file that would be one. A ?, which is not TOML, is what it does not say."""
    why = (
        f"{where}: an ERT does not say how many 16-bit words an action moves, nor what a word costs on the NoC; "
        "save these lines as a TOML file with a value for each ?, and give that"
    )
    lines = [
        why,
        'unit = "pJ"',
        f"ert = {_quoted(ert.file)}",
        *(_said(line.key, line, ert) for line in _LEVELS),
        "noc = { per_access = ?, source = ? }  # or a component as above: of a word delivered, passed on or collected",
        "[access]",
        *(_said(_quoted(line.key), line, ert) for line in _ACCESSES),
        f"# components of {ert.file}: {first_of(_with_actions(ert), most=40)}",
    ]
    return "\n".join(lines)


def _said(key: str, line: _Line, ert: Ert) -> str:
    found = [full for full in ert.components if last_part(full).lower() in line.components]
    actions = ert.components[found[0]] if len(found) == 1 else {}
    action = next((_quoted(name) for name in line.actions if name in actions), "?")
    component = _quoted(found[0]) if len(found) == 1 else "?"
    why = "" if len(found) == 1 else f"  # {' or '.join(found[:4]) or 'none is called ' + ' or '.join(line.components)}"
    return f"{key} = {{ component = {component}, action = {action}, words = ? }}{why}"


def _with_actions(ert: Ert) -> Iterable[str]:
    return (f"{name} ({', '.join(actions)})" for name, actions in ert.components.items())


def _quoted(text: str) -> str:
    """As TOML writes it, which JSON's way of quoting is a part of."""
    return json.dumps(text, ensure_ascii=False)
