"""How does a pruning run go on one model, one machine and one set of images? From its limits to its report.

What `picojoule prune` and pruning.torch share: they differ in where the model and the images come from.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pruning.judging import Accuracy, Certainty, Parts, check_above_chance
from pruning.loop import FineTune, Measuring, PruningStep, answer, prune
from pruning.onnx_network import OnnxNetwork
from pruning.rounds import Limits, Plan
from pruning.simulated_energy import Energies
from pruning.summary import Pruning
from simulator.spec.accelerator import Accelerator

Step = PruningStep[OnnxNetwork]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """What a run is given."""

    network: OnnxNetwork
    parts: Parts
    machine: Accelerator
    energies: Energies
    accuracy: Accuracy
    plan: Plan

    def own_accuracy(self) -> float:
        """Of the network as it is. Raises PruningError if that is no better than chance."""
        own = self.accuracy(self.network)
        check_above_chance(own, self.parts.judged, self.network.classes)
        return own

    def own_energy(self) -> float:
        return sum(self.energies.of(self.network).values())

    def steps(
        self,
        limits: Limits,
        fine_tune: FineTune[OnnxNetwork] | None,
        on_step: Callable[[Sequence[Step]], object],
        done: Sequence[Step] = (),
        measuring: Measuring | None = None,
    ) -> list[Step]:
        """All steps, after those that are `done`. on_step: told of all so far after each; may raise to end the run.
        measuring: as prune has it."""
        steps = list(done)
        for step in prune(
            self.network,
            images=self.parts.calibration.images,
            energy_of=self.energies.of,
            accuracy_of=self.accuracy,
            limits=limits,
            plan=self.plan,
            predict_of=self.energies.predicted,
            maps_energy_of=self.energies.of_maps,
            certainty_of=Certainty(self.parts.judged),
            fine_tune=fine_tune,
            measuring=measuring,
            resume=steps[-1] if steps else None,
        ):
            steps.append(step)
            on_step(steps)
        return steps

    def report(self, model: str, steps: Sequence[Step], limits: Limits) -> Pruning:
        """Raises PruningError if no step is within the limits."""
        best = answer(steps, limits)
        return Pruning(
            model=model,
            steps=tuple(steps),
            answer=replace(best, accuracy=self.accuracy(best.network)),
            limits=limits,
            before=self.energies.simulated(self.network),
            after=self.energies.simulated(best.network),
            accelerator=self.machine,
            images=self.parts.sizes(),
        )
