"""Which layer loses how many weights, in which order, and when is it enough?

Energy-aware pruning (Yang, Chen, Sze, CVPR 2017): the layers that take most energy first, each as far as
accuracy allows after its weights are refitted, round after round until accuracy or energy says stop. What energy and
accuracy are is the caller's: two functions of a network. How a layer's weights are chosen is layer_methods.py's.

How far a layer is pruned is not published. Here a round may lose the accuracy between where it starts and its
floor, and the layers share that by their energy: after the first k layers in order no more may be gone than their share
of the network's energy. So the most expensive layers take the most, and what one leaves, the next may use. Where
channels are taken, the share is of the energy of feature maps, which no zero weight saves, in the layers that read a
channel and in those that make it. Or the shares are measured (shares.py).

What decides is accuracy, where a round ends at the limit. Where training follows, certainty decides (judging.py): what
a layer may lose is a fraction of a point, and accuracy cannot tell that from chance on some thousand images.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import isfinite
from typing import Generic, TypeVar

import numpy as np

from pruning.channels import without_unread
from pruning.network import Floats, PrunableNetwork
from pruning.rounds import ALL_LAYERS, Limits, Plan, Round, Trial, ordered, units_of
from pruning.shares import Point, Shares, equal_price, measured_curve
from pruning.tries import Bench, Tries
from simulator.errors import PruningError

Network = TypeVar("Network", bound=PrunableNetwork)

EnergyOf = Callable[[Network], Mapping[str, float]]
"""Energy of each layer by its name, in one unit for all."""
AccuracyOf = Callable[[Network], float]
"""Share of images that are classified rightly, 0 to 1."""
FineTune = Callable[[Network, Round], Network]
"""Trains the weights that are not zero at a round's end; the others stay zero."""
Measuring = Callable[[str, int, int], None]
"""Told which unit is pruned alone next, how many have been, and of how many."""

_LEAST_LOSS = 1 / 4
"""Of a round's loss as planned: the smallest that is tried after rounds that fine-tuning could not save."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PruningStep(Generic[Network]):
    """After one layer of a round, or after fine-tuning, when `layer` is empty.

    network    the network that stands: with the layer pruned if the step was accepted, else as it was before, and as
               it was before the whole round if fine-tuning could not save it
    reference  the network whose outputs layers are fitted to: the original, or as the last training left it
    start      as the round found it, at a round's end as the next one will
    kept       weights that are not zero, of each layer
    accuracy   accuracy_of(network)
    energy     energy_of(network), by layer
    predicted  predict_of(network), the same by another way, if there is one
    trials     what was tried, in that order
    """

    round: Round
    layer: str
    is_accepted: bool
    network: Network
    reference: Network
    start: Network
    kept: Mapping[str, int]
    accuracy: float
    energy: Mapping[str, float]
    predicted: Mapping[str, float] | None = None
    trials: tuple[Trial, ...] = ()

    @property
    def total_energy(self) -> float:
        return sum(self.energy.values())


def prune(
    network: Network,
    *,
    images: Floats,
    energy_of: EnergyOf[Network],
    accuracy_of: AccuracyOf[Network],
    limits: Limits,
    plan: Plan | None = None,
    predict_of: EnergyOf[Network] | None = None,
    maps_energy_of: EnergyOf[Network] | None = None,
    certainty_of: AccuracyOf[Network] | None = None,
    fine_tune: FineTune[Network] | None = None,
    measuring: Measuring | None = None,
    resume: PruningStep[Network] | None = None,
) -> Iterator[PruningStep[Network]]:
    """Prune, a step a layer, the first being the network as it is. The caller may stop at any; `answer` is the result.

    images          what layers are refitted on, as the network takes them: training data, not what accuracy_of looks at
    maps_energy_of  what feature maps take of each layer's energy, by which rounds of channels share what they may lose;
                    energy_of, if not given
    certainty_of    what stands for accuracy where no limit is at stake: in shares that are measured, and in how deep
                    rounds go that are trained, and judged, afterwards. accuracy_of, if not given; better something
                    that moves with every image, and not only with those whose class changes
    measuring       for progress: where shares are measured, that takes a while before a round's first step
    resume          a step that an earlier run with the same arguments came to: goes on after it, to the same steps

    No layer's step, and no round, has more energy than the one before it; accuracy stays at or above the limit. With
    fine-tuning a round may go below it; one that fine-tuning cannot bring back is taken back, and half its loss is
    tried, unless the plan goes on from there. Tuning itself may cost a little of what its round saved, as feature maps
    have fewer zeros then. Ends when the energy is reached, when a round removes nothing, after `plan.rounds`, or when
    the loss becomes too small. Raises PruningError for a network that is below the limit already, and for measures that
    are not finite.
    """
    run = _Run(
        original=network,
        images=images,
        energy_of=energy_of,
        accuracy_of=accuracy_of,
        predict_of=predict_of,
        maps_energy_of=maps_energy_of or energy_of,
        certainty_of=certainty_of or accuracy_of,
        limits=limits,
        plan=plan or Plan(),
        fine_tune=fine_tune,
        measuring=measuring or (lambda *_: None),
    )
    step = resume
    if step is None:
        step = run.start()
        yield step
    while not run.is_over(step):
        step = run.after(step)
        yield step


def answer(steps: Iterable[PruningStep[Network]], limits: Limits) -> PruningStep[Network]:
    """The last step at or above the accuracy. Raises PruningError if there is none."""
    fit = [step for step in steps if step.accuracy >= limits.min_accuracy]
    if not fit:
        raise PruningError(f"no step has an accuracy of {limits.min_accuracy:.4f} or more; lower it")
    return fit[-1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Run(Generic[Network]):
    """What a run is given; every step follows from the one before and from this."""

    original: Network
    images: Floats
    energy_of: EnergyOf[Network]
    accuracy_of: AccuracyOf[Network]
    predict_of: EnergyOf[Network] | None
    maps_energy_of: EnergyOf[Network]
    certainty_of: AccuracyOf[Network]
    limits: Limits
    plan: Plan
    fine_tune: FineTune[Network] | None
    measuring: Measuring

    def start(self) -> PruningStep[Network]:
        """The network as it is; round 1 is planned from it."""
        layers = [layer for layer in self.original.layers if np.any(self.original.weights(layer.name))]
        if not layers:
            raise PruningError("nothing to prune: no layer has a weight that is not zero")
        if self.plan.channel_rounds and not self.original.channels:
            raise PruningError(
                "no channel can be taken out: load the network so that it narrows, or plan no such round"
            )
        accuracy = self.accuracy_of(self.original)
        if not accuracy >= self.limits.min_accuracy:
            raise PruningError(
                f"the network's own accuracy is {accuracy:.4f}, below the limit of {self.limits.min_accuracy:.4f}; "
                "lower the limit, or check the preprocessing"
            )
        nothing = Round(number=0, loss=0.0, layers=(), floors=(), removed=0)
        return self._step(nothing, self.original, accuracy, reference=self.original, start=self.original)

    def is_over(self, step: PruningStep[Network]) -> bool:
        """A round is judged at its end; energy, as soon as accuracy allows."""
        is_accurate = step.accuracy >= self.limits.min_accuracy
        if is_accurate and step.total_energy <= self.limits.target_energy:
            return True
        if not self._ends_round(step) or not step.round.number:
            return False
        if step.round.number == self.plan.rounds:
            return True
        if step.round.takes_channels:
            return False
        return not step.round.removed or (
            _is_taken_back(step) and step.round.loss <= self.plan.loss_a_round * _LEAST_LOSS
        )

    def after(self, step: PruningStep[Network]) -> PruningStep[Network]:
        """The next step: of the next layer, of fine-tuning, or of the first layer of the next round."""
        if self._ends_round(step):
            plan = self._plan_round(step)
            return self._visit(replace(step, start=step.network), plan, plan.layers[0])
        layers = step.round.layers
        if step.layer == layers[-1]:
            return self._tuned(step)
        return self._visit(step, step.round, layers[layers.index(step.layer) + 1])

    def _ends_round(self, step: PruningStep[Network]) -> bool:
        if not step.layer:
            return True
        tunes = self.fine_tune is not None and step.round.removed > 0
        return step.layer == step.round.layers[-1] and not tunes

    @property
    def _measure(self) -> AccuracyOf[Network]:
        """What the depth of steps is decided by."""
        return self.accuracy_of if self.fine_tune is None else self.certainty_of

    def _plan_round(self, step: PruningStep[Network]) -> Round:
        number = step.round.number + 1
        takes_channels = number <= self.plan.channel_rounds
        loss = self._loss_after(step, takes_channels=takes_channels)
        units = units_of(step.network, step.kept, self.plan, takes_channels=takes_channels)
        energy = self._counted(takes_channels=takes_channels)(step.network)
        names = ordered(units, self.original.layers, self.plan, number, energy=energy, kept=step.kept)
        if self.plan.shares is Shares.MEASURED and len(names) > 1 and loss > 0:
            share = self._measured_shares(step, names, loss, takes_channels=takes_channels)
        else:
            share = {name: sum(energy[layer] for layer in units[name]) for name in names}
        sums = list(accumulate(share[name] for name in names))
        start = step.accuracy if self._measure is self.accuracy_of else self._measure(step.network)
        floors = tuple(start - loss * each / sums[-1] for each in sums)
        return Round(number=number, loss=loss, layers=names, floors=floors, removed=0, takes_channels=takes_channels)

    def _counted(self, *, takes_channels: bool) -> EnergyOf[Network]:
        """The energy that a round is after."""
        return self.maps_energy_of if takes_channels else self.energy_of

    def _measured_shares(
        self, step: PruningStep[Network], names: Sequence[str], loss: float, *, takes_channels: bool
    ) -> Mapping[str, float]:
        """Of a loss, by what each unit loses and saves alone."""
        energy_of = self._counted(takes_channels=takes_channels)
        start, energy = self.certainty_of(step.network), sum(energy_of(step.network).values())
        curves = {}
        for done, name in enumerate(names):
            self.measuring(name, done, len(names))
            tries = self._tries(step, name, takes_channels=takes_channels)

            def measured(keep: int, tries: Tries[Network] = tries) -> Point:
                network = tries.network.with_weights(tries.weights_for(keep))
                lost = start - self.certainty_of(network)
                network = network.with_weights(without_unread(network)) if takes_channels else network
                return Point(loss=lost, saved=energy - sum(energy_of(network).values()))

            curves[name] = measured_curve(tries.numbers, measured, loss)
        return equal_price(curves, loss)

    def _loss_after(self, step: PruningStep[Network], *, takes_channels: bool) -> float:
        """What the next round may lose."""
        if self.fine_tune is None:
            left = max(0.0, step.accuracy - self.limits.min_accuracy)
            return left / 2 if takes_channels else left
        if not step.round.number or step.round.takes_channels != takes_channels:
            return self.plan.loss_of(takes_channels=takes_channels)
        return step.round.loss / 2 if _is_taken_back(step) else step.round.loss

    def _visit(self, before: PruningStep[Network], plan: Round, name: str) -> PruningStep[Network]:
        """Prunes one layer, or the channels that some layers read, as far as its floor allows, and keeps it as it was
        if that saves nothing."""
        measure = self._measure
        tries = self._tries(before, name, takes_channels=plan.takes_channels)
        trials, weights, measured = self._search(tries, measure, plan.floors[plan.layers.index(name)])
        if weights:
            network = before.network.with_weights(weights)
            network = network.with_weights(without_unread(network)) if plan.takes_channels else network
            accuracy = measured if measure is self.accuracy_of else self.accuracy_of(network)
            step = self._step(
                plan,
                network,
                accuracy,
                reference=before.reference,
                start=before.start,
                layer=name,
                trials=trials,
            )
            removed = sum(before.kept.values()) - sum(step.kept.values())
            if step.total_energy <= before.total_energy:
                return replace(step, round=replace(plan, removed=plan.removed + removed))
        return replace(before, round=plan, layer=name, is_accepted=False, trials=trials)

    def _tries(self, before: PruningStep[Network], name: str, *, takes_channels: bool) -> Tries[Network]:
        bench = Bench(
            network=before.network,
            reference=before.reference,
            images=self.images,
            method=self.plan.method,
            samples=self.plan.samples,
            seed=self.plan.seed,
        )
        if takes_channels:
            return bench.of_channels(name)
        return bench.of_network() if name == ALL_LAYERS else bench.of_layer(name)

    def _search(
        self, tries: Tries[Network], measure: AccuracyOf[Network], floor: float
    ) -> tuple[tuple[Trial, ...], Mapping[str, Floats], float]:
        """The least that may be kept with what is measured at or above the floor, and that; by bisection, as fewer
        weights seldom make a network better. No weights if there is none."""
        trials: list[Trial] = []
        best: tuple[Mapping[str, Floats], float] = ({}, 0.0)
        low, high = 0, len(tries.numbers)
        while low < high:
            middle = (low + high) // 2
            tried = tries.weights_for(tries.numbers[middle])
            measured = measure(tries.network.with_weights(tried))
            trials.append(Trial(kept=tries.numbers[middle], measured=measured))
            if measured >= floor:
                low, best = middle + 1, (tried, measured)
            else:
                high = middle
        return tuple(trials), *best

    def _tuned(self, step: PruningStep[Network]) -> PruningStep[Network]:
        """The round fine-tuned. It is taken back if that leaves it below the limit (where the plan takes back), or with
        more energy than it began with: then what it came to is a trial."""
        assert self.fine_tune is not None
        network = self.fine_tune(step.network, step.round)
        accuracy = self.accuracy_of(network)
        if accuracy >= self.limits.min_accuracy or not self.plan.takes_back:
            reference = step.reference if network is step.network else network
            tuned = self._step(step.round, network, accuracy, reference=reference, start=network)
            if tuned.total_energy <= sum(self.energy_of(step.start).values()):
                return tuned
        back, came_to = step.start, Trial(kept=sum(step.kept.values()), measured=accuracy)
        taken = self._step(
            step.round, back, self.accuracy_of(back), reference=step.reference, start=back, trials=(came_to,)
        )
        return replace(taken, is_accepted=False)

    def _step(
        self,
        plan: Round,
        network: Network,
        accuracy: float,
        *,
        reference: Network,
        start: Network,
        layer: str = "",
        trials: tuple[Trial, ...] = (),
    ) -> PruningStep[Network]:
        step = PruningStep(
            round=plan,
            layer=layer,
            is_accepted=True,
            network=network,
            reference=reference,
            start=start,
            kept={each.name: int(np.count_nonzero(network.weights(each.name))) for each in network.layers},
            accuracy=accuracy,
            energy=dict(self.energy_of(network)),
            predicted=None if self.predict_of is None else dict(self.predict_of(network)),
            trials=trials,
        )
        if not isfinite(step.total_energy + accuracy):
            raise PruningError(f"energy {step.total_energy} and accuracy {accuracy} of a network; both must be finite")
        return step


def _is_taken_back(step: PruningStep[Network]) -> bool:
    """Fine-tuning could not save the round."""
    return not step.layer and not step.is_accepted
