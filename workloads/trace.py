"""What is a layer trace? The file that holds a network's layers with their tensors, as `record` writes it.

A plain .npz (a zip archive of .npy arrays, no pickles): `meta`, the JSON text of trace_meta.py, and for layer number i
`i/ifmap`, `i/filters` and `i/ofmap`, int16, with their `i/scales` and `i/zeroed`. Arrays are read when a layer is asked
for.
"""

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.errors import OutputError, WorkloadError, nearby_file
from simulator.spec.layer import Layer
from simulator.spec.tensors import LayerTensors
from simulator.spec.workload import Workload
from workloads.trace_meta import meta_of, parse_meta

Array = npt.NDArray[Any]
_EPOCH = (1980, 1, 1, 0, 0, 0)  # in place of the time of day: the same tensors make the same file


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceTensors:
    """Gives a layer its tensors from a trace, for the first `layer.N` of the recorded images."""

    path: Path
    index_of: Mapping[str, int]

    def __call__(self, layer: Layer) -> LayerTensors:
        at = self.index_of[layer.name]
        with _opened(self.path) as archive:
            ifmap, filters, ofmap, scales, zeroed = (_array(archive, key) for key in _keys(at))
        return LayerTensors(
            ifmap=ifmap[: layer.N],
            filters=filters,
            ofmap=ofmap[: layer.N],
            ifmap_scale=int(scales[0]),
            filter_scale=int(scales[1]),
            ofmap_scale=int(scales[2]),
            zeroed=(int(zeroed[0]), int(zeroed[1]), int(zeroed[2])),
        )


def write_trace(workload: Workload, output: Path) -> None:
    """Write every layer of the workload, one at a time in memory. Raises OutputError, leaving no file."""
    temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            _write(archive, workload)
        os.replace(temporary, output)
    except OSError as error:
        raise OutputError(f"{output}: cannot be written ({error.strerror or error}); choose another file") from None
    finally:
        temporary.unlink(missing_ok=True)


def open_trace(path: Path, *, batch: int | None) -> Workload:
    """The network of a trace, its first `batch` images or all of them.

    Raises WorkloadError if a key is missing, or of another type or shape than the layers say, or the file is truncated.
    """
    with _opened(path) as archive:
        meta = parse_meta(_meta_text(archive, path), where=str(path))
        layers = meta.workload_layers(where=str(path))
        for at, layer in enumerate(layers):
            _check_arrays(archive, at, layer, path)
    if batch is not None and batch > meta.batch:
        raise WorkloadError(f"{path}: a batch of {batch}, but the trace holds {meta.batch} images; lower the batch")
    provenance = meta.provenance()
    return Workload(
        name=meta.network,
        layers=tuple(layer.with_batch(batch or meta.batch) for layer in layers),
        tensors_of=TraceTensors(path=path.absolute(), index_of={layer.name: at for at, layer in enumerate(layers)}),
        provenance=replace(provenance, detail=f"layer trace {path.name}: {provenance.detail}", sha256=_sha256(path)),
        not_costed=meta.not_costed,
        notes=meta.notes,
    )


def _write(archive: zipfile.ZipFile, workload: Workload) -> None:
    _write_array(archive, "meta", np.array(json.dumps(meta_of(workload))))
    for at, layer in enumerate(workload.layers):
        tensors = workload.tensors_of(layer)
        tensors.check(layer)
        scales = (tensors.ifmap_scale, tensors.filter_scale, tensors.ofmap_scale)
        arrays = (tensors.ifmap, tensors.filters, tensors.ofmap, np.array(scales), np.array(tensors.zeroed))
        for key, array in zip(_keys(at), arrays, strict=True):
            _write_array(archive, key, array)


def _write_array(archive: zipfile.ZipFile, key: str, array: Array) -> None:
    with archive.open(zipfile.ZipInfo(f"{key}.npy", _EPOCH), "w", force_zip64=True) as member:
        np.lib.format.write_array(member, array, allow_pickle=False)


def _keys(at: int) -> tuple[str, ...]:
    return tuple(f"{at}/{name}" for name in ("ifmap", "filters", "ofmap", "scales", "zeroed"))


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive; whatever is found wrong with its bytes while it is open becomes one message."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as error:
        raise WorkloadError(f"{path}: not a layer trace, or a truncated one ({error}); record it again") from None
    except OSError as error:
        raise WorkloadError(
            f"{path}: cannot be read ({error.strerror}); {nearby_file(path, 'give a layer trace')}"
        ) from None


def _meta_text(archive: zipfile.ZipFile, path: Path) -> str:
    if "meta.npy" not in archive.namelist():
        raise WorkloadError(f"{path}: no 'meta' in it, so not a layer trace; `picojoule record` writes traces")
    meta = _array(archive, "meta")
    if meta.dtype.kind != "U" or meta.ndim:
        raise WorkloadError(f"{path}: 'meta' is {meta.dtype} of shape {meta.shape}; one text is needed")
    return str(meta)


def _check_arrays(archive: zipfile.ZipFile, at: int, layer: Layer, path: Path) -> None:
    words, three = np.dtype(np.int16), (3,)
    shapes = (layer.ifmap_shape, layer.filter_shape, layer.ofmap_shape, three, three)
    for key, shape in zip(_keys(at), shapes, strict=True):
        if f"{key}.npy" not in archive.namelist():
            raise WorkloadError(f"{path}: layer {layer.name!r}: no {key!r} in it; record it again")
        dtype = words if shape is not three else np.dtype(np.int64)
        found_shape, in_order, found, length = _header(archive, key)
        if found_shape != shape or found != dtype or not in_order:
            raise WorkloadError(
                f"{path}: layer {layer.name!r}: {key!r} is {found} of shape {found_shape}"
                f"{'' if in_order else ' in Fortran order'}; the layer needs {dtype} of shape {shape}"
            )
        if archive.getinfo(f"{key}.npy").file_size != length:
            raise WorkloadError(f"{path}: layer {layer.name!r}: {key!r} is cut short; record it again")


def _header(archive: zipfile.ZipFile, key: str) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Shape, whether in C order, type, and the bytes that these come to with the header. Reads no values."""
    with archive.open(f"{key}.npy") as member:
        version = np.lib.format.read_magic(member)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran_order, dtype = read(member)
        return shape, not fortran_order, dtype, member.tell() + prod(shape) * dtype.itemsize


def _array(archive: zipfile.ZipFile, key: str) -> Array:
    with archive.open(f"{key}.npy") as member:
        array: Array = np.lib.format.read_array(member, allow_pickle=False)
    return array


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
