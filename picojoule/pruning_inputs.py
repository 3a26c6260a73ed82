"""When does `picojoule prune` stop? Its limits, in figures."""

from picojoule.options import PruneOptions
from pruning.loop import Limits
from simulator.errors import PruningError


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
