"""How is an ONNX model trained further? As a torch module that runs its operators, where all of them are known.

Float initializers that CONV, FC and BatchNormalization layers read, and those added to what they put out, are
parameters; all other constants stay as they are. BatchNormalization learns its statistics as torch's does.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from onnx import NodeProto
from torch import Tensor, nn

from pruning.fine_tuning import Trainable
from pruning.onnx_network import OnnxNetwork
from pruning.torch_operators import OPERATORS, Call, fault_of
from simulator.errors import PruningError

_LEARNED = {"Conv": (1, 2), "Gemm": (1, 2), "MatMul": (1,), "BatchNormalization": (1, 2), "Add": (0, 1)}
"""Inputs that are trained, if they are float initializers."""
_STATISTICS = {"BatchNormalization": (3, 4)}


def trainable_of(network: OnnxNetwork) -> Trainable:
    """The network as a module. Raises PruningError, naming every operator that it cannot be trained through."""
    nodes, output = network.computing_nodes(), network.output_name
    faults = [fault for node in nodes if (fault := fault_of(node, is_last=output in node.output)) is not None]
    if faults:
        raise PruningError(
            f"{network.path}: cannot be fine-tuned through {', '.join(faults)}; known are "
            f"{', '.join(sorted(OPERATORS))}. Leave --finetune out, or prune the PyTorch module (pruning.torch)"
        )
    module = GraphModule(network, nodes)
    return Trainable(module=module, names=module.names, readers=module.readers)


class GraphModule(nn.Module):
    """names    of the network's initializers that training changes, each with the name of its parameter or buffer
    readers  of the network's layers, each with the name of the submodule, an identity, that its ifmap passes
    """

    def __init__(self, network: OnnxNetwork, nodes: Sequence[NodeProto]) -> None:
        super().__init__()
        self._nodes, self._input, self._output = nodes, network.input_name, network.output_name
        learned = _read_at(nodes, _LEARNED) & network.float_initializers()
        changed = learned | (_read_at(nodes, _STATISTICS) & network.float_initializers())
        made = {name for node in nodes for name in node.output}
        read = dict.fromkeys(name for node in nodes for name in node.input if name and name not in made)
        values = network.constants([name for name in read if name != self._input])
        self._own = {name: f"value{at}" for at, name in enumerate(values)}
        self.names: Mapping[str, str] = {name: own for name, own in self._own.items() if name in changed}
        self.readers: Mapping[str, str] = {layer.name: f"ifmap{at}" for at, layer in enumerate(network.layers)}
        self._readers = {network.initializer_of(layer): reader for layer, reader in self.readers.items()}
        for reader in self.readers.values():
            self.add_module(reader, nn.Identity())
        for name, own in self._own.items():
            value = torch.from_numpy(np.array(values[name]))
            if name in learned:
                self.register_parameter(own, nn.Parameter(value.float()))
            else:
                self.register_buffer(own, value.float() if value.is_floating_point() else value)

    def forward(self, images: Tensor) -> Tensor:
        """Scores, (N, classes); logarithms of them where the network ends in Softmax."""
        values: dict[str, Any] = {"": None, self._input: images}
        values.update((name, getattr(self, own)) for name, own in self._own.items())
        for node in self._nodes:
            inputs = [values[name] for name in node.input]
            if len(inputs) > 1 and node.input[1] in self._readers:
                inputs[0] = self.get_submodule(self._readers[node.input[1]])(inputs[0])
            values[node.output[0]] = OPERATORS[node.op_type](Call(node=node, inputs=inputs, is_training=self.training))
        scores: Tensor = values[self._output]
        return scores.flatten(1)


def _read_at(nodes: Sequence[NodeProto], places: Mapping[str, tuple[int, ...]]) -> set[str]:
    return {node.input[at] for node in nodes for at in places.get(node.op_type, ()) if at < len(node.input)}
