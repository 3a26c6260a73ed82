"""How does a pruning run survive being stopped? Each step is stored as it is made, and read back to go on from.

A folder holds `steps.json`, every step without its networks, and one `.npz` with all that those of the last step differ
in from the network as loaded. The weights are written first and the steps name them, so that
whenever a run is killed the two belong together.
"""

import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.loop import Network, PruningStep
from pruning.rounds import Round, Trial
from simulator.errors import OutputError, PruningError

_STEPS = "steps.json"
_NETWORKS = ("network", "reference", "start")
"""Of a step."""


def store_steps(folder: Path, identity: Mapping[str, Any], steps: Sequence[PruningStep[Network]]) -> None:
    """Replace what is stored. identity: what decides the run's steps; only the same run may go on from them."""
    folder.mkdir(parents=True, exist_ok=True)
    last = steps[-1]
    weights = folder / f"weights-{len(steps)}.npz"
    held = {name: network.changes() for name, network in _networks(last).items()}
    write_whole(weights, npz_bytes({key: each for name in held for key, each in _keyed(name, held[name]).items()}))
    content = {
        "identity": dict(identity),
        "weights": weights.name,
        **{name: list(changes) for name, changes in held.items()},
        "steps": [_as_dict(step) for step in steps],
    }
    write_whole(folder / _STEPS, json.dumps(content, indent=1, allow_nan=False).encode())
    for old in folder.glob("weights-*.npz"):
        if old != weights:
            old.unlink()


def stored_steps(folder: Path, identity: Mapping[str, Any], network: Network) -> tuple[PruningStep[Network], ...]:
    """The steps of an earlier run, all with the network that the last one left standing; none if there are none.

    Raises PruningError if another run stored them, or for files that are damaged.
    """
    path = folder / _STEPS
    if not path.exists():
        return ()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["identity"] != json.loads(json.dumps(dict(identity))):
            raise PruningError(
                f"{path}: another run's steps (other model, data or options); leave --resume out, or choose another "
                "folder"
            )
        with np.load(folder / content["weights"], allow_pickle=False) as arrays:
            networks = {
                which: network.with_changes({name: arrays[f"{which}{at}"] for at, name in enumerate(content[which])})
                for which in _NETWORKS
            }
        return tuple(_from_dict(step, networks) for step in content["steps"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PruningError(f"{path}: cannot be resumed from ({error}); leave --resume out to begin again") from None


def _networks(step: PruningStep[Network]) -> dict[str, Network]:
    return {name: getattr(step, name) for name in _NETWORKS}


def _keyed(which: str, changes: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Names in an archive are files' names; a network's may be any."""
    return {f"{which}{at}": values for at, values in enumerate(changes.values())}


def _as_dict(step: PruningStep[Network]) -> dict[str, Any]:
    return {
        "round": asdict(step.round),
        "layer": step.layer,
        "is_accepted": step.is_accepted,
        "kept": dict(step.kept),
        "accuracy": step.accuracy,
        "energy": dict(step.energy),
        "predicted": None if step.predicted is None else dict(step.predicted),
        "trials": [asdict(trial) for trial in step.trials],
    }


def _from_dict(fields: dict[str, Any], networks: Mapping[str, Network]) -> PruningStep[Network]:
    plan = fields["round"]
    return PruningStep(
        round=Round(**{**plan, "layers": tuple(plan["layers"]), "floors": tuple(plan["floors"])}),
        layer=fields["layer"],
        is_accepted=fields["is_accepted"],
        **networks,
        kept=fields["kept"],
        accuracy=fields["accuracy"],
        energy=fields["energy"],
        predicted=fields["predicted"],
        trials=tuple(Trial(**trial) for trial in fields["trials"]),
    )


def npz_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """An .npz file of the arrays: the same bytes for the same arrays, as numpy's own, which notes the time, is not."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            one = io.BytesIO()
            np.lib.format.write_array(one, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), one.getvalue(), zipfile.ZIP_DEFLATED)
    return content.getvalue()


def write_whole(path: Path, content: bytes) -> None:
    """Under a temporary name in the same folder, then renamed. Raises OutputError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}); choose another place with -o"
        ) from None
    finally:
        temporary.unlink(missing_ok=True)
