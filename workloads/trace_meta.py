"""What may the `meta` text of a layer trace say? The schema, and every fault of a text at once."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from simulator.errors import SpecError, WorkloadError
from simulator.spec.files import fault_lines
from simulator.spec.layer import Layer
from simulator.spec.workload import Origin, Provenance, Workload

FORMAT = "picojoule-trace"
VERSION = 1
_LETTERS = ("N", "M", "C", "H", "W", "R", "S", "U", "V", "G")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class LayerMeta(_Part):
    """One layer, in the letters of simulator.spec.layer; every layer has the trace's N."""

    name: Annotated[str, Field(min_length=1)]
    N: int
    M: int
    C: int
    H: int
    W: int
    R: int
    S: int
    U: int = 1
    V: int = 1
    G: int = 1
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    from_input: bool = False


class ProvenanceMeta(_Part):
    weights: Origin
    activations: Origin
    detail: str
    sha256: str = ""


class TraceMeta(_Part):
    format: Literal["picojoule-trace"]
    version: Literal[1]
    network: Annotated[str, Field(min_length=1)]
    data: ProvenanceMeta
    layers: tuple[LayerMeta, ...]
    not_costed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def batch(self) -> int:
        return self.layers[0].N

    def provenance(self) -> Provenance:
        return Provenance(**self.data.model_dump())

    def workload_layers(self, *, where: str) -> tuple[Layer, ...]:
        """The layers. Raises WorkloadError if there is none, or one is impossible, there twice or of another N."""
        try:
            layers = tuple(Layer(**layer.model_dump()) for layer in self.layers)
        except SpecError as error:
            raise WorkloadError(f"{where}: {error}") from None
        if not layers:
            raise WorkloadError(f"{where}: has no layers; record it again")
        names, batch = [layer.name for layer in layers], self.batch
        for layer in layers:
            if layer.N != batch:
                raise WorkloadError(f"{where}: layer {layer.name!r} has N = {layer.N}; the first has {batch}")
            if names.count(layer.name) > 1:
                raise WorkloadError(f"{where}: layer {layer.name!r} is there {names.count(layer.name)} times")
        return layers


def meta_of(workload: Workload) -> dict[str, Any]:
    """What `parse_meta` reads back, as JSON types."""
    provenance = workload.provenance
    return {
        "format": FORMAT,
        "version": VERSION,
        "network": workload.name,
        "data": {
            "weights": provenance.weights.value,
            "activations": provenance.activations.value,
            "detail": provenance.detail,
            "sha256": provenance.sha256,
        },
        "layers": [_layer_meta(layer) for layer in workload.layers],
        "not_costed": list(workload.not_costed),
        "notes": list(workload.notes),
    }


def parse_meta(text: str, *, where: str) -> TraceMeta:
    """The checked text. Raises WorkloadError listing every fault; another version is named before anything else."""
    try:
        fields = TypeAdapter(dict[str, Any]).validate_json(text)
    except ValidationError:
        raise WorkloadError(f"{where}: 'meta' is not a JSON object; `picojoule record` writes traces") from None
    if (fields.get("format"), fields.get("version")) != (FORMAT, VERSION):
        found = f"format {fields.get('format')!r}, version {fields.get('version')!r}"
        raise WorkloadError(f"{where}: {found}; this picojoule reads {FORMAT!r}, version {VERSION}")
    try:
        return TraceMeta.model_validate_json(text)
    except ValidationError as error:
        raise WorkloadError(_faults(error, where)) from None


def _layer_meta(layer: Layer) -> dict[str, Any]:
    sizes = {letter: getattr(layer, letter) for letter in _LETTERS}
    return {"name": layer.name, **sizes, "padding": list(layer.padding), "from_input": layer.from_input}


def _faults(error: ValidationError, where: str) -> str:
    lines = fault_lines(error)
    return f"{where}: {len(lines)} fault{'s' if len(lines) > 1 else ''} in 'meta'\n" + "\n".join(lines)
