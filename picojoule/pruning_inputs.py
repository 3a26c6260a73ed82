"""What does `picojoule prune` hand to the method? Its limits in figures, and fine-tuning where it is asked for."""

from collections.abc import Callable
from importlib.util import find_spec

from picojoule.options import PruneOptions
from pruning.loop import FineTune
from pruning.onnx_network import OnnxNetwork
from pruning.rounds import Limits, Plan
from pruning.simulated_energy import Energies
from simulator.errors import PruningError
from workloads.data_sets import LabelledImages

Tuner = Callable[[LabelledImages, Energies, Plan], FineTune[OnnxNetwork]]
_TRAINING_BATCH = 64


def tuner_of(network: OnnxNetwork, options: PruneOptions) -> Tuner | None:
    """Fine-tuning, on images to come, if it is asked for. Raises PruningError for a network that cannot be trained, and
    without torch."""
    if not options.finetune:
        for name in ("gradual", "sparser-maps", "distillation"):
            if getattr(options, name.replace("-", "_")):
                raise PruningError(f"--{name}: is a part of fine-tuning; give --finetune EPOCHS as well")
        return None
    if find_spec("torch") is None:
        raise PruningError("--finetune: torch is not installed; pip install 'picojoule[torch]', or leave it out")
    from pruning.fine_tuning import Tuning, examples, fine_tuned
    from pruning.torch_graph import trainable_of

    trainable = trainable_of(network)
    tuning = Tuning(
        epochs=options.finetune,
        learning_rate=options.learning_rate,
        seed=options.seed,
        distillation=options.distillation,
        sparser_maps=options.sparser_maps,
        gradual=options.gradual / 100,
    )

    def tuner(data: LabelledImages, energies: Energies, plan: Plan) -> FineTune[OnnxNetwork]:
        batches = examples(data.images, data.labels, _TRAINING_BATCH)
        return lambda network, one: fine_tuned(
            network, trainable, batches, tuning.of_depth(plan.depth_of(one)), one.number, energies=energies
        )

    return tuner


def limits_of(options: PruneOptions, accuracy: float, energy: float) -> Limits:
    """One point may be lost if nothing else is said. With an energy to reach and no limit on accuracy, all may be."""
    if options.max_accuracy_loss is not None and options.min_accuracy is not None:
        raise PruningError("--max-accuracy-loss and --min-accuracy: two limits on accuracy; leave one out")
    target = 0.0 if options.target_energy is None else energy * options.target_energy / 100
    if options.min_accuracy is not None:
        least = options.min_accuracy / 100
    elif options.max_accuracy_loss is not None or options.target_energy is None:
        lost = 1.0 if options.max_accuracy_loss is None else options.max_accuracy_loss
        least = max(0.0, accuracy - lost / 100)
    else:
        least = 0.0
    return Limits(min_accuracy=least, target_energy=target)
