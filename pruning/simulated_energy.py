"""What energy has a network that is being pruned? Its file as it would be written, simulated on images."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from weakref import WeakKeyDictionary

import numpy as np

import simulator.run
from pruning.network import Floats
from pruning.onnx_network import OnnxNetwork
from simulator.counts import Level, Tensor
from simulator.estimation import Zeros, estimate
from simulator.results import NetworkResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.workload import Workload
from workloads import open_workload


class Energies:
    """Energy of each layer, simulated, and predicted by density in closed form with the mappings that it finds.

    A network is saved and read as `simulate` would read it, so that what is reported is what its user will find.
    """

    def __init__(self, machine: Accelerator, images: Path, folder: Path) -> None:
        self._machine, self._images, self._folder = machine, images, folder
        self._simulated: WeakKeyDictionary[OnnxNetwork, NetworkResult] = WeakKeyDictionary()
        self._predicted: WeakKeyDictionary[OnnxNetwork, Mapping[str, float]] = WeakKeyDictionary()

    def simulated(self, network: OnnxNetwork) -> NetworkResult:
        """On the images, all at once: a batch."""
        if network not in self._simulated:
            self._simulated[network] = simulator.run.simulate(self._workload(network), accelerator=self._machine)
        return self._simulated[network]

    def of(self, network: OnnxNetwork) -> Mapping[str, float]:
        """Simulated energy of each layer."""
        return _by_layer(self.simulated(network))

    def of_maps(self, network: OnnxNetwork) -> Mapping[str, float]:
        """Of each layer, simulated: what ifmaps and psums take between DRAM, GLB and array. No zero weight stops it."""
        return {
            layer.layer.name: sum(
                energy
                for access, energy in layer.energy.of_access.items()
                if access.tensor is not Tensor.FILTER and access.level is not Level.SPAD
            )
            for layer in self.simulated(network).layers
        }

    def predicted(self, network: OnnxNetwork) -> Mapping[str, float]:
        """Energy of each layer in closed form, from the densities of its tensors."""
        if network not in self._predicted:
            estimated = estimate(self._workload(network), accelerator=self._machine, zeros=Zeros.DENSITIES)
            self._predicted[network] = _by_layer(estimated)
        return self._predicted[network]

    def prices(self, network: OnnxNetwork) -> Mapping[str, float]:
        """What one weight of each layer takes, predicted: on average of the smaller half of those that are not zero."""
        before = self.predicted(network)
        prices = {}
        for layer in before:
            weights = network.weights(layer)
            order = np.argsort(np.abs(weights), axis=None, kind="stable")
            gone = order[weights.size - np.count_nonzero(weights) :][: np.count_nonzero(weights) // 2]
            thinner = weights.copy()
            thinner.flat[gone] = 0
            saved = before[layer] - self.predicted(network.with_weights({layer: thinner}))[layer]
            prices[layer] = max(0.0, saved) / max(1, len(gone))
        return prices

    def _workload(self, network: OnnxNetwork) -> Workload:
        path = self._folder / network.path.name
        network.save(path)
        return open_workload(path, images=self._images)


@contextmanager
def energies_on(machine: Accelerator, images: Floats) -> Iterator[Energies]:
    """Keeps its files in a folder that is gone at the end."""
    with TemporaryDirectory(prefix="picojoule-prune-") as name:
        folder = Path(name)
        np.save(folder / "images.npy", images)
        (folder / "model").mkdir()
        yield Energies(machine, folder / "images.npy", folder / "model")


def _by_layer(result: NetworkResult) -> dict[str, float]:
    return {layer.layer.name: layer.energy.total for layer in result.layers}
