"""What energy has a network that is being pruned? Its file as it would be written, simulated on images."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

import simulator.run
from pruning.network import Floats
from pruning.onnx_network import OnnxNetwork
from simulator.counts import Level, Tensor
from simulator.estimation import Zeros, estimate
from simulator.results import LayerResult, NetworkResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.workload import Workload
from workloads import open_workload


class Energies:
    """Energy of each layer, simulated, and predicted by density in closed form with the mappings that it finds.

    A network is saved and read as `simulate` would read it, so that what is reported is what its user will find.
    """

    def __init__(self, machine: Accelerator, images: Path, folder: Path) -> None:
        self._machine, self._images, self._folder = machine, images, folder
        self._simulated: WeakKeyDictionary[OnnxNetwork, NetworkResult] = WeakKeyDictionary()
        self._estimates: WeakKeyDictionary[OnnxNetwork, NetworkResult] = WeakKeyDictionary()

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
        return _by_layer(self._estimated(network))

    def _estimated(self, network: OnnxNetwork) -> NetworkResult:
        if network not in self._estimates:
            self._estimates[network] = estimate(
                self._workload(network), accelerator=self._machine, zeros=Zeros.DENSITIES
            )
        return self._estimates[network]

    def prices(self, network: OnnxNetwork) -> Mapping[str, Floats]:
        """What each weight takes, (M, C/G, R, S), by layer: of those that have weights other than zero.

        Predicted. Of a layer's weights that are not zero, the smaller half is taken away, and what that saves is shared
        among them alike, but for MACs and their spad accesses: those by how often the ifmap channel that a weight reads
        is not zero.
        """
        layers = [layer for layer in network.layers if network.weights(layer.name).any()]
        maps = network.layer_inputs([layer.name for layer in layers], np.load(self._images))
        return {layer.name: self._prices(network, layer, maps[layer.name]) for layer in layers}

    def _prices(self, network: OnnxNetwork, layer: Layer, ifmap: Floats) -> Floats:
        weights = network.weights(layer.name)
        gone = _smaller_half(weights)
        thinner = network.with_weights({layer.name: np.where(gone, np.float32(0), weights)})
        before, after = (_found(self._estimated(each), layer.name) for each in (network, thinner))
        of_macs = max(0.0, _of_macs(before) - _of_macs(after))
        of_weights = max(0.0, before.energy.total - after.energy.total - of_macs)
        density = _density(ifmap, layer)
        density = density / np.average(np.broadcast_to(density, weights.shape), weights=weights != 0)
        each = (of_macs * density + of_weights) / max(1, np.count_nonzero(gone))
        return np.broadcast_to(each.astype(np.float32), weights.shape)

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


def _found(result: NetworkResult, name: str) -> LayerResult:
    return next(layer for layer in result.layers if layer.layer.name == name)


def _of_macs(layer: LayerResult) -> float:
    """What MACs that are skipped do not take."""
    return layer.energy.mac + layer.energy.of_level(Level.SPAD)


def _smaller_half(weights: Floats) -> NDArray[np.bool_]:
    """Of those that are not zero."""
    order = np.argsort(np.abs(weights), axis=None, kind="stable")
    there = np.count_nonzero(weights)
    gone = np.zeros(weights.size, bool)
    gone[order[weights.size - there :][: there // 2]] = True
    return gone.reshape(weights.shape)


def _density(ifmap: Floats, layer: Layer) -> NDArray[np.float64]:
    """Of each weight's ifmap channel, (M, C/G, 1, 1); a word more that is zero and one that is not, so that it never is
    0."""
    words = ifmap.size // ifmap.shape[1]
    density = (np.count_nonzero(ifmap, axis=(0, 2, 3)) + 1) / (words + 2)
    return np.repeat(density.reshape(layer.G, -1), layer.M // layer.G, axis=0)[:, :, None, None]
