"""picojoule's simulator: `simulate` a network on an accelerator, `load_accelerator` from a name or a file.

The names are imported when first used, so that the command line starts fast and `workloads`, which needs only
simulator.spec, can be imported from here without a cycle.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.hardware.layer_run import simulate_layer
    from simulator.run import simulate
    from simulator.spec.load import load_accelerator

_HOMES = {
    "simulate": "simulator.run",
    "simulate_layer": "simulator.hardware.layer_run",
    "load_accelerator": "simulator.spec.load",
}

__all__ = ["load_accelerator", "simulate", "simulate_layer"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
