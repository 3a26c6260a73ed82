"""Is this file an ONNX model that can be run on images? Reads and hashes it, and finds its one input.

Large weights are taken out of the model, so that there is one copy of them for us and for onnxruntime.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any

import numpy.typing as npt
import onnx
import onnx.inliner
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # comes with onnx, without stubs
from onnx import numpy_helper
from onnx.external_data_helper import ExternalDataInfo, set_external_data, uses_external_data

from simulator.errors import WorkloadError, nearby_file

Array = npt.NDArray[Any]
_FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
_LARGE = 1024
"""Values. Shapes, axes and scales, which shape inference reads, are smaller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxModel:
    """A model with one float input, and no local functions left.

    weights      values of its large float initializers, which `proto` has only by name, type and shape
    image_shape  the input's shape without its first dimension
    chunk        images that one run takes: the batch that the model was exported for, or 1 if it takes any
    sha256       of the model's bytes and those of its external data
    """

    path: Path
    proto: onnx.ModelProto
    weights: Mapping[str, Array]
    sha256: str
    input_name: str
    input_type: int
    image_shape: tuple[int, ...]
    chunk: int

    @property
    def folder(self) -> Path:
        """Where external data lies."""
        return self.path.parent


def load_model(path: Path) -> OnnxModel:
    """The model. Raises WorkloadError if it is truncated, lacks data, or its input is not one batch of images."""
    proto = _parsed(path)
    external = _external_files(proto, path)
    given = _image_input(proto, path)
    tensor = given.type.tensor_type
    if tensor.elem_type not in _FLOATS:
        kind = onnx.TensorProto.DataType.Name(tensor.elem_type)
        raise WorkloadError(f"{path}: its input {given.name!r} is {kind}; a network that takes float images is needed")
    first, *others = _dimensions(given, path)
    proto = onnx.inliner.inline_local_functions(proto) if proto.functions else proto
    return OnnxModel(
        path=path,
        proto=proto,
        weights=_taken_out(proto, path),
        sha256=_sha256([path, *external]),
        input_name=given.name,
        input_type=tensor.elem_type,
        image_shape=_fixed(others, given.name, path),
        chunk=first if isinstance(first, int) else 1,
    )


def stored_values(tensor: onnx.TensorProto, path: Path) -> Array:
    """An initializer's values, from the model at `path` or its external data."""
    try:
        return numpy_helper.to_array(tensor, base_dir=str(path.parent))
    except (ValueError, TypeError, OSError) as error:
        fault = f"the data of {tensor.name!r} cannot be read ({error}); export it again"
        raise WorkloadError(f"{path}: {fault}") from None


def _taken_out(proto: onnx.ModelProto, path: Path) -> dict[str, Array]:
    """The values of large float initializers, which the proto then says to be elsewhere."""
    taken = {}
    for tensor in proto.graph.initializer:
        if tensor.data_type in _FLOATS and prod(tensor.dims) >= _LARGE:
            taken[tensor.name] = stored_values(tensor, path)
            tensor.raw_data = b""  # what set_external_data looks for
            set_external_data(tensor, "memory")
            for field in ("raw_data", "float_data", "double_data", "int32_data"):
                tensor.ClearField(field)
    return taken


def _parsed(path: Path) -> onnx.ModelProto:
    try:
        proto = onnx.load_model_from_string(path.read_bytes())
    except OSError as error:
        raise WorkloadError(
            f"{path}: cannot be read ({error.strerror}); {nearby_file(path, 'give an ONNX model')}"
        ) from None
    except DecodeError:
        raise WorkloadError(f"{path}: not an ONNX model, or a truncated one; export it again") from None
    if not proto.graph.node or not proto.opset_import:
        raise WorkloadError(f"{path}: not an ONNX model, or a truncated one: it has no operators; export it again")
    if any(isinstance(word, bytes) for node in proto.graph.node for word in _words(node)):
        raise WorkloadError(f"{path}: not an ONNX model, or a damaged one: a name is not text; export it again")
    return proto


def _words(node: onnx.NodeProto) -> tuple[str | bytes, ...]:
    """All that a node calls by name; protobuf gives bytes where these are not UTF-8."""
    return (node.op_type, node.domain, node.name, *node.input, *node.output)


def _external_files(proto: onnx.ModelProto, path: Path) -> list[Path]:
    """The files that hold weights, each once. All must be there, and long enough."""
    found: dict[str, Path] = {}
    for tensor in _stored_tensors(proto):
        if uses_external_data(tensor):
            info = ExternalDataInfo(tensor)
            found[info.location] = _external_file(path, tensor.name, info)
    return [found[location] for location in sorted(found)]


def _stored_tensors(proto: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    yield from proto.graph.initializer
    for node in proto.graph.node:
        yield from (attribute.t for attribute in node.attribute if attribute.type == onnx.AttributeProto.TENSOR)


def _external_file(path: Path, tensor: str, info: ExternalDataInfo) -> Path:
    location = PurePosixPath(info.location)
    if location.is_absolute() or ".." in location.parts:
        raise WorkloadError(f"{path}: the data of {tensor!r} is in {info.location!r}, outside the model's folder")
    file = path.parent / location
    if not file.is_file():
        raise WorkloadError(
            f"{path}: the data of {tensor!r} is in {info.location!r}, which is not beside the model; copy both files"
        )
    needed = int(info.offset or 0) + int(info.length or 0)
    if file.stat().st_size < needed:
        raise WorkloadError(
            f"{path}: {info.location!r} has {file.stat().st_size} bytes; {tensor!r} needs {needed}; it is truncated"
        )
    return file


def _image_input(proto: onnx.ModelProto, path: Path) -> onnx.ValueInfoProto:
    """The only graph input without a value; older files list the initializers as inputs too."""
    stored = {tensor.name for tensor in proto.graph.initializer}
    inputs: list[onnx.ValueInfoProto] = [given for given in proto.graph.input if given.name not in stored]
    for node in proto.graph.node:
        without_value = [given.name for given in inputs if node.op_type == "Conv" and given.name in node.input[1:]]
        if without_value:
            raise WorkloadError(
                f"{path}: node {node.name or node.output[0]!r} (Conv): its weights {without_value[0]!r} are an input "
                "without a value; export the model with its parameters"
            )
    if len(inputs) != 1:
        names = ", ".join(repr(given.name) for given in inputs) or "none"
        raise WorkloadError(f"{path}: has {len(inputs)} inputs ({names}); a network with one input, images, is needed")
    return inputs[0]


def _dimensions(given: onnx.ValueInfoProto, path: Path) -> list[int | str]:
    """Sizes, or the names of those that are open."""
    dims = given.type.tensor_type.shape.dim
    if len(dims) < 2:
        raise WorkloadError(f"{path}: its input {given.name!r} has {len(dims)} dimensions; N x C x H x W are needed")
    sizes = [
        dim.dim_value if dim.HasField("dim_value") else dim.dim_param or f"number {at}" for at, dim in enumerate(dims)
    ]
    if any(isinstance(size, int) and size < 1 for size in sizes):
        raise WorkloadError(f"{path}: its input {given.name!r} has shape {sizes}; no dimension may be below 1")
    return sizes


def _fixed(dims: list[int | str], name: str, path: Path) -> tuple[int, ...]:
    open_dims = [dim for dim in dims if isinstance(dim, str)]
    if open_dims:
        raise WorkloadError(
            f"{path}: its input {name!r} leaves {', '.join(map(repr, open_dims))} open besides the batch; "
            "export it with fixed image sizes"
        )
    return tuple(dim for dim in dims if isinstance(dim, int))


def _sha256(files: list[Path]) -> str:
    """Of one file as any tool gives it; of several, over their digests in order."""
    digests = []
    for file in files:
        with file.open("rb") as content:
            digests.append(hashlib.file_digest(content, "sha256"))
    if len(digests) == 1:
        return digests[0].hexdigest()
    return hashlib.sha256(b"".join(digest.digest() for digest in digests)).hexdigest()
