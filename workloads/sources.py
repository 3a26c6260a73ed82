"""Which kind of network was named, and who reads it? The one way from a name or a file to a Workload."""

from collections.abc import Sequence
from pathlib import Path

from simulator.errors import WorkloadError, nearby_file, suggestion
from simulator.spec.workload import Workload
from workloads.built_in import built_in_names, built_in_workload
from workloads.scale_sim import open_topology
from workloads.selection import with_layers

_SUFFIXES = (".onnx", ".npz", ".csv")


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
    path = Path(network)
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES and network.lower() not in built_in_names():
        known = ", ".join(built_in_names())
        hint = suggestion(network, built_in_names(), f"give an .onnx, .npz or .csv file, or one of {known}")
        raise WorkloadError(f"unknown network {network!r}; {hint}")
    if suffix in _SUFFIXES and not path.is_file():
        raise WorkloadError(
            f"{network}: no such file; {nearby_file(path, 'give one that exists, or a built-in network')}"
        )
    if images is not None and suffix != ".onnx":
        raise WorkloadError(f"{network}: images need a network to run on them; give an .onnx model")
    match suffix:
        case ".onnx":
            return _open_onnx(path, batch, images, seed)
        case ".npz":
            return _open_trace(path, batch)
        case ".csv":
            return open_topology(path, batch=batch or 1, seed=seed)
    return built_in_workload(network.lower(), batch=batch or 1, seed=seed)


def _open_onnx(path: Path, batch: int | None, images: Path | None, seed: int) -> Workload:
    try:
        from workloads.onnx_import import open_onnx  # the onnx extra: optional, and a second to import
    except ModuleNotFoundError as error:
        raise WorkloadError(
            f"{path}: ONNX models need the package {error.name!r}, which is not installed; "
            "pip install 'picojoule[onnx]'"
        ) from None
    return open_onnx(path, batch=batch, images=images, seed=seed)


def _open_trace(path: Path, batch: int | None) -> Workload:
    from workloads.trace import open_trace  # pydantic, which only traces need

    return open_trace(path, batch=batch)
