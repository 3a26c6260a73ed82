"""What of a run decides its figures: the manifest records these options, and none that changes no figure."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What simulating and estimating have in common, as the command line takes it."""

    arch: str = "eyeriss-v1"
    """The accelerator: a shipped one (`picojoule arch list`) or a TOML file."""
    energy: Path | None = None
    """An energy table (a TOML file) in place of the accelerator's own."""
    batch: Annotated[int | None, Parameter(validator=Number(gte=1))] = None
    """Images in the batch. Without it: 1, or as many as --images or the trace holds."""
    layers: Annotated[tuple[str, ...] | None, Parameter(negative="")] = None
    """Only these layers, by name: commas between, or the option repeated. * and ? match as in a shell."""
    images: Path | None = None
    """Real images for an .onnx model: a .npy file, N x C x H x W."""
    mapping: str | None = None
    """A published mapping (jssc2017) or a TOML file. Without it each layer's mapping is searched."""
    objective: Literal["energy", "latency", "edp"] | None = None
    """What the search makes least: energy (by default), latency, or their product (edp)."""
    seed: Annotated[int, Parameter(validator=Number(gte=0))] = 0
    """Of synthetic tensors."""

    @property
    def layer_names(self) -> tuple[str, ...] | None:
        if self.layers is None:
            return None
        return tuple(name for words in self.layers for word in words.split(",") if (name := word.strip()))


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateOptions(RunOptions):
    """Options of a simulation."""

    functional: Annotated[bool, Parameter(negative="", show_default=False)] = False
    """Carry values through the PEs and check that each ofmap is exactly the convolution. Slower."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineOptions:
    """Options of a timeline, which change no figure."""

    timeline: Path | None = None
    """File for what happened when, cycle by cycle, as https://ui.perfetto.dev opens it (FILE.pftrace)."""
    window: str | None = None
    """Cycles of the run that the timeline shows, as FIRST:END. Without it: the first 100,000 of each layer."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateOptions(RunOptions):
    """Options of a validation."""

    zeros: Literal["tensors", "densities"] | None = None
    """What the closed form knows of zeros: which words are (tensors), or how many (densities). Without it: densities
    where the network's tensors are drawn from some, else tensors."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrateOptions:
    """Options of a calibration."""

    arch: str = "eyeriss-v1"
    """The accelerator: a shipped one (`picojoule arch list`) or a TOML file. The factors are for it alone."""
    energy: Path | None = None
    """An energy table (a TOML file) in place of the accelerator's own."""
    batch: Annotated[int | None, Parameter(validator=Number(gte=1))] = None
    """Images in each batch. Without it: 1, or as many as --images or a trace holds."""
    images: Path | None = None
    """Real images for .onnx models, all of which take them: a .npy file, N x C x H x W."""
    seed: Annotated[int, Parameter(validator=Number(gte=0))] = 0
    """Of synthetic tensors."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateOptions(RunOptions):
    """Options of an estimate."""

    zeros: Literal["tensors", "densities"] | None = None
    """What is known of zeros: which words are (tensors), or how many (densities). Without it: densities where the
    network's tensors would be drawn from some, else tensors."""
    densities: Path | None = None
    """A TOML file with each layer's densities, in place of the network's own."""
    bits: str | None = None
    """Widths of words: weight=8,activation=8 (and psum=…), or a TOML file. 16 where nothing is said."""
    coding: Literal["run_length", "significance_map"] = "run_length"
    """How tensors that move coded are coded."""
    calibration: Path | None = None
    """Factors that `picojoule calibrate` fitted for the same accelerator; they apply to zeros by density."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainOptions(EstimateOptions):
    """Options of an explanation: those of an estimate, whose one layer is an argument."""

    layers: Annotated[tuple[str, ...] | None, Parameter(parse=False)] = None


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOptions:
    """Options of the networks of a comparison; a run folder has its figures already. What is written for the layers of
    one network (mappings, densities, a calibration) is not among them: run folders take those into a comparison."""

    arch: Annotated[tuple[str, ...], Parameter(negative="", show_default=", ".join)] = ("eyeriss-v1",)
    """An accelerator: a shipped one (`picojoule arch list`) or a TOML file. Repeat the option to compare several."""
    energy: Path | None = None
    """An energy table (a TOML file) in place of each accelerator's own."""
    batch: Annotated[tuple[Annotated[int, Parameter(validator=Number(gte=1))], ...] | None, Parameter(negative="")] = (
        None
    )
    """Images in the batch. Repeat the option to compare several. Without it: 1, or as many as --images or a trace
    holds."""
    layers: Annotated[tuple[str, ...] | None, Parameter(negative="")] = None
    """Only these layers of each network: commas between, or the option repeated. * and ? match as in a shell."""
    images: Path | None = None
    """Real images for .onnx models, all of which take them: a .npy file, N x C x H x W."""
    objective: Literal["energy", "latency", "edp"] | None = None
    """What the mapping search makes least: energy (by default), latency, or their product (edp)."""
    seed: Annotated[int, Parameter(validator=Number(gte=0))] = 0
    """Of synthetic tensors."""
    zeros: Literal["tensors", "densities"] | None = None
    """What an estimate knows of zeros: which words are (tensors), or how many (densities)."""
    bits: str | None = None
    """Widths of words in an estimate: weight=8,activation=8 (and psum=…), or a TOML file."""
    coding: Literal["run_length", "significance_map"] = "run_length"
    """How an estimate has tensors coded that move coded."""


Percent = Annotated[float | None, Parameter(validator=Number(gt=0, lte=100))]


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class PruneOptions:
    """Options of a pruning run, all of which decide its steps."""

    data: str | None = None
    """Labelled images, needed for a model of one's own: an .npz with `images` (N x C x H x W) and `labels` (N), a
    folder in CIFAR-10's binary layout, or `digits`."""
    split: str | None = None
    """Which part of the data: train or test (CIFAR-10); train, threshold or test (digits)."""
    max_accuracy_loss: Percent = None
    """Points of accuracy that may be lost: 1 if no other limit is given."""
    min_accuracy: Percent = None
    """Accuracy in per cent to stay at or above, in place of --max-accuracy-loss."""
    target_energy: Percent = None
    """Stop when the energy is at or below so many per cent of the original."""
    method: Literal["energy-aware", "magnitude", "global-magnitude", "second-order", "alternating"] = "energy-aware"
    """How a layer's weights are chosen: by magnitude, restored where outputs suffer and refitted (energy-aware); by
    magnitude alone; by the inverse Hessian (second-order)."""
    order: Literal["energy", "macs", "weights", "input", "random"] = "energy"
    """Which layers come first."""
    shares: Literal["energy", "measured"] = "energy"
    """How much of the accuracy that a round may lose is a layer's: by its energy, or by what it is found to lose and to
    save when it alone is pruned, to several depths."""
    channel_rounds: Annotated[int, Parameter(validator=Number(gte=0))] = 0
    """The first so many rounds take whole channels: filters whose output the layers that read it can do without, when
    they are refitted on the others. pruned.onnx is then narrower: fewer MACs and smaller feature maps."""
    finetune: Annotated[int, Parameter(validator=Number(gte=0))] = 0
    """Epochs of training after each round, on the images that layers are refitted on; zero weights stay zero. Needs the
    torch extra."""
    learning_rate: Annotated[float, Parameter(validator=Number(gt=0))] = 0.005
    """Of fine-tuning: it falls to zero in each round."""
    distillation: Annotated[float, Parameter(validator=Number(gte=0, lte=1))] = 0.0
    """Share of fine-tuning's loss that is how far the scores are from those of the model as it was given; the labels
    have the rest. 0.5 is a good start."""
    gradual: Annotated[float, Parameter(validator=Number(gte=0, lt=100))] = 0.0
    """Per cent of the energy for which fine-tuning takes out further weights, in each round: little by little in the
    first half of its steps, those that the loss would miss least for what they take. They may come back."""
    sparser_maps: Annotated[float, Parameter(validator=Number(gte=0))] = 0.0
    """What fine-tuning's loss is charged for feature maps that are not sparse, each by the energy of the layer that
    reads it; 0.5 is a good start. Zeros in feature maps save energy, at some accuracy."""
    arch: str = "eyeriss-estimation"
    """The accelerator: a shipped one (`picojoule arch list`) or a TOML file."""
    energy: Path | None = None
    """An energy table (a TOML file) in place of the accelerator's own."""
    batch: Annotated[int, Parameter(validator=Number(gte=1))] = 16
    """Images whose energy is simulated."""
    calibration_images: Annotated[int, Parameter(validator=Number(gte=1))] = 4096
    """Images that layers are refitted on, at most. An FC layer has one sample an image."""
    samples: Annotated[int, Parameter(validator=Number(gte=1))] = 16_384
    """Positions of each layer's ofmap that a refit looks at."""
    scale: float | None = None
    """What each word of an image is multiplied by, such as 0.00392157 for bytes that the model saw from 0 to 1."""
    mean: Annotated[tuple[float, ...] | None, Parameter(negative="")] = None
    """Taken from each channel, after --scale."""
    std: Annotated[tuple[float, ...] | None, Parameter(negative="")] = None
    """What each channel is divided by, after --mean."""
    seed: Annotated[int, Parameter(validator=Number(gte=0))] = 0
    """Of the division of the images and of the positions."""
