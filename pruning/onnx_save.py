"""How does a pruned network become an ONNX file again? The original file, with some initializers' values replaced."""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import onnx
import onnx.inliner
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper
from onnx.external_data_helper import uses_external_data

from simulator.errors import OutputError


def save_onnx(
    source: Path,
    replaced: Mapping[str, NDArray[Any]],
    path: Path,
    change: Callable[[onnx.ModelProto], None] | None = None,
) -> None:
    """Write the model at `source` to `path`, these initializers replaced, and changed further if there is a `change`,
    which gets it without local functions. Everything else is as it was.

    Where `source` keeps values in other files, those of the new model are in one beside it, `path` with `.data` added.
    Raises OutputError if `path` is the original, or cannot be written; then nothing of it is there.
    """
    if path.exists() and path.samefile(source):
        raise OutputError(f"{path}: is the model that was pruned; give another path for the result")
    proto = onnx.load_model(source, load_external_data=False)
    is_external = any(uses_external_data(tensor) for tensor in _stored(proto))
    onnx.load_external_data_for_model(proto, str(source.parent))
    for tensor in proto.graph.initializer:
        if tensor.name in replaced:
            _replace(tensor, replaced[tensor.name])
    if change is not None:
        proto = onnx.inliner.inline_local_functions(proto) if proto.functions else proto
        change(proto)
    try:
        _write_whole(proto, path, is_external=is_external)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error}); choose another place") from None


def _stored(proto: onnx.ModelProto) -> Iterator[TensorProto]:
    yield from proto.graph.initializer
    for node in proto.graph.node:
        yield from (attribute.t for attribute in node.attribute if attribute.type == onnx.AttributeProto.TENSOR)


def _replace(tensor: TensorProto, values: NDArray[Any]) -> None:
    """The values alone: whatever else the file says of the tensor stays."""
    for field in ("raw_data", "float_data", "double_data", "int32_data"):
        tensor.ClearField(field)
    tensor.raw_data = numpy_helper.from_array(values).raw_data


def _write_whole(proto: onnx.ModelProto, path: Path, *, is_external: bool) -> None:
    """In a folder aside first, then put in place: the values before the model that names them."""
    values = f"{path.name}.data"
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as aside:
        unfinished = Path(aside) / path.name
        if is_external:
            onnx.save_model(proto, unfinished, save_as_external_data=True, location=values, size_threshold=1024)
        else:
            onnx.save_model(proto, unfinished)
        for name in (values, path.name):
            if (Path(aside) / name).exists():
                os.replace(Path(aside) / name, path.parent / name)
