"""Which images is a network simulated on, refitted on, judged by? And is it any good to begin with?

Images are divided in an order drawn from the seed: the first are those whose energy is simulated, the next those that
layers are refitted on, and accuracy is measured on all others. So nothing is refitted on what it is judged by.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from pruning.network import Floats, PrunableNetwork
from simulator.errors import PruningError
from workloads.data_sets import LabelledImages

_LEAST_TO_JUDGE, _LEAST_TO_REFIT = 50, 8
_FAR_FROM_CHANCE = 4.0
"""Standard errors above chance, from which on a model has learned something."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """energy: images simulated; calibration: refitted, and trained, on; judged: accuracy is measured on."""

    energy: Floats
    calibration: LabelledImages
    judged: LabelledImages

    def sizes(self) -> dict[str, int]:
        return {
            "energy": len(self.energy),
            "calibration": len(self.calibration.labels),
            "accuracy": len(self.judged.labels),
        }


def divided(data: LabelledImages, *, batch: int, calibration: int, seed: int) -> Parts:
    """`batch` images to simulate, at most `calibration`, and half of the others, to refit layers on.

    Raises PruningError if there are too few images for the three uses.
    """
    images = len(data.labels)
    calibration = min(calibration, (images - batch) // 2)
    judged = images - batch - calibration
    if calibration < _LEAST_TO_REFIT or judged < _LEAST_TO_JUDGE:
        raise PruningError(
            f"{data.source}: {images} images; {batch} to simulate (the batch), at least {_LEAST_TO_REFIT} to "
            f"refit layers on and {_LEAST_TO_JUDGE} to measure accuracy on are needed: give more, or a smaller batch"
        )
    order = np.random.default_rng(seed).permutation(images)
    energy, refit, rest = np.split(order, [batch, batch + calibration])
    return Parts(
        energy=np.ascontiguousarray(data.images[energy]),
        calibration=data.take(refit),
        judged=data.take(rest),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Accuracy:
    """Share of the images that a network classifies as they are labelled, 0 to 1."""

    data: LabelledImages

    def __call__(self, network: PrunableNetwork) -> float:
        chosen = network.scores(self.data.images).argmax(axis=1)
        return float((chosen == self.data.labels).mean())


@dataclass(frozen=True, slots=True, eq=False)
class Certainty:
    """Mean probability that a network gives the classes as labelled, 0 to 1: near accuracy, and it moves with every
    image. So two networks can be told apart on far fewer images."""

    data: LabelledImages

    def __call__(self, network: PrunableNetwork) -> float:
        scores = network.scores(self.data.images).astype(np.float64)
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        of_labels = shares[np.arange(len(scores)), self.data.labels] / shares.sum(axis=1)
        return float(of_labels.mean())


def check_above_chance(accuracy: float, data: LabelledImages, classes: int) -> None:
    """Raise PruningError for a model that does no better than guessing: its images are most likely prepared wrongly."""
    guessing = max(1 / classes, float(np.bincount(data.labels).max()) / len(data.labels))
    doubt = _FAR_FROM_CHANCE * sqrt(guessing * (1 - guessing) / len(data.labels))
    if accuracy <= guessing + doubt:
        raise PruningError(
            f"the model's own accuracy is {100 * accuracy:.1f} % of {len(data.labels)} images, where guessing gives "
            f"{100 * guessing:.1f} %; give the preprocessing that it was trained with: --scale, --mean and --std"
        )
