"""Which kind of network was named, and who reads it? The one way from a name or a file to a Workload."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from simulator.errors import WorkloadError
from simulator.spec.workload import Workload
from workloads.built_in import built_in_names, built_in_workload
from workloads.selection import with_layers


def open_workload(
    network: str | Path,
    *,
    batch: int | None = None,
    layers: Sequence[str] | None = None,
    images: Path | None = None,
    seed: int = 0,
) -> Workload:
    """A built-in network by name, an ONNX model (.onnx), a layer trace (.npz) or a SCALE-Sim topology (.csv).

    batch   images; by default 1, or as many as `images` holds, or as the trace was recorded with
    layers  only those that these words name, wildcards allowed
    images  an N x C x H x W float32 .npy file; only an ONNX model can be run on images
    seed    of synthetic tensors

    Raises WorkloadError for anything that cannot be used.
    """
    if batch is not None and batch < 1:
        raise WorkloadError(f"{network}: a batch of {batch} images; a batch has at least one")
    workload = _opened(str(network), batch, images, seed)
    return workload if layers is None else with_layers(workload, layers)


def _opened(network: str, batch: int | None, images: Path | None, seed: int) -> Workload:
    suffix = Path(network).suffix.lower()
    if images is not None and suffix != ".onnx":
        raise WorkloadError(f"{network}: images need a network with weights to run on them; give an .onnx model")
    if network.lower() in built_in_names():
        return built_in_workload(network.lower(), batch=batch or 1, seed=seed)
    raise WorkloadError(f"unknown network {network!r}; {_suggestion(network)}")


def _suggestion(network: str) -> str:
    near = get_close_matches(network.lower(), built_in_names(), n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"give an .onnx, .npz or .csv file, or one of {', '.join(built_in_names())}"
