"""How is a run of a network kept? As a layer trace, which `open_workload` takes like the model and its images."""

from pathlib import Path

from simulator.errors import OutputError
from workloads.sources import open_workload


def record(model: Path, images: Path, output: Path, *, batch: int | None = None) -> None:
    """Run an ONNX model on images under onnxruntime and write every CONV/FC layer's shape and tensors to `output`.

    Raises WorkloadError for what cannot be run, OutputError for what cannot be written; then no file is left behind.
    """
    from workloads.trace import write_trace  # pydantic, which only traces need

    if output.suffix.lower() != ".npz":
        raise OutputError(f"{output}: a layer trace is known by its ending; give a path that ends in .npz")
    if not output.parent.is_dir():
        raise OutputError(f"{output}: its folder does not exist; create {output.parent} first")
    write_trace(open_workload(model, batch=batch, images=images), output)
