"""Which trained networks come with picojoule? Files in trained/: the model, and how it was made and what it reaches."""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from simulator.errors import WorkloadError, suggestion

_FOLDER = Path(str(files("workloads"))) / "trained"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModel:
    """One shipped network, as its file states it.

    path              of the .onnx file
    data              what `open_labelled` takes to open the images that it was trained and judged on
    scale, mean, std  how they are preprocessed
    right, judged     images of the `test` split that it names rightly, of so many; measured
    sha256            of the .onnx file
    """

    path: Path
    data: str
    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    right: int
    judged: int
    sha256: str

    @property
    def accuracy(self) -> float:
        """Share of the `test` split, from 0 to 1."""
        return self.right / self.judged


def trained_names() -> tuple[str, ...]:
    """Names that `trained_model` takes."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def trained_model(name: str) -> TrainedModel:
    """The shipped network of that name. Raises WorkloadError if there is none."""
    if name not in trained_names():
        hint = suggestion(name, trained_names(), f"there are {', '.join(trained_names())}")
        raise WorkloadError(f"no trained network {name!r} is shipped; {hint}")
    fields = tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    seen = fields["preprocessing"]
    return TrainedModel(
        path=_FOLDER / f"{name}.onnx",
        data=fields["data"],
        scale=seen["scale"],
        mean=tuple(seen["mean"]),
        std=tuple(seen["std"]),
        right=fields["accuracy"]["right"],
        judged=fields["accuracy"]["judged"],
        sha256=fields["sha256"],
    )
