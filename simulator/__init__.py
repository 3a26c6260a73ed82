"""picojoule's simulator: `simulate` or `estimate` a network, `load_accelerator` from a name or a file.

The names are imported when first used, so that the command line starts fast and `workloads`, which needs only
simulator.spec, can be imported from here without a cycle.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.analytic.layer_estimate import estimate_layer
    from simulator.estimation import estimate
    from simulator.hardware.layer_run import simulate_layer
    from simulator.run import simulate
    from simulator.spec.load import load_accelerator

_HOMES = {
    "estimate": "simulator.estimation",
    "estimate_layer": "simulator.analytic.layer_estimate",
    "simulate": "simulator.run",
    "simulate_layer": "simulator.hardware.layer_run",
    "load_accelerator": "simulator.spec.load",
}

__all__ = ["estimate", "estimate_layer", "load_accelerator", "simulate", "simulate_layer"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
