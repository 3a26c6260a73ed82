"""How does a PyTorch module become an ONNX file whose weights are its own parameters, under their own names?

Exporters fold BatchNormalization into CONV layers, and rename what they fold. A module that is trained between rounds
needs its parameters back, so nothing is folded here; onnxruntime and the simulator fold for themselves.
"""

from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from pruning.fine_tuning import Trainable
from pruning.onnx_network import OnnxNetwork
from simulator.errors import PruningError

_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d)
_WEIGHT = ".weight"
_INPUT, _OUTPUT = "images", "scores"


def exported(module: nn.Module, images: Tensor, path: Path, *, narrows: bool = False) -> tuple[OnnxNetwork, Trainable]:
    """The module as a network, in an .onnx file at `path`, for any number of images; layers are named as submodules.

    images   (N, C, H, W), N >= 2: an example
    narrows  see OnnxNetwork.load

    Raises PruningError for a module that torch cannot export, whose parameters are not weights in the file, or that is
    not a network whose layers can be pruned.
    """
    proto = _proto(module, images[:2])
    _plain_products(proto)
    _name_layers(proto)
    onnx.save_model(proto, path)
    network = OnnxNetwork.load(path, narrows=narrows)
    return network, _trainable(module, images[:2], proto, network)


def _proto(module: nn.Module, images: Tensor) -> onnx.ModelProto:
    """Of a copy in plain layout on the CPU: the exporter fixes the batch of one in channels_last."""
    copied = deepcopy(module).eval().cpu().to(memory_format=torch.contiguous_format)
    try:
        program = torch.onnx.export(
            copied,
            (images,),
            dynamo=True,
            optimize=False,
            verbose=False,
            input_names=[_INPUT],
            output_names=[_OUTPUT],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )
    except Exception as error:  # the exporter's kinds are many, and its own
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise PruningError(f"{type(module).__name__}: torch cannot export it to ONNX: {reason}") from None
    assert program is not None  # with dynamo=True it never is
    proto: onnx.ModelProto = program.model_proto
    return proto


def _plain_products(proto: onnx.ModelProto) -> None:
    """A Linear layer without a bias reads its weight through a Transpose: as a Gemm it reads the weight itself."""
    turned = {node.output[0]: node for node in proto.graph.node if node.op_type == "Transpose"}
    stored = {tensor.name for tensor in proto.graph.initializer}
    flat = {info.name for info in proto.graph.value_info if len(info.type.tensor_type.shape.dim) == 2}
    readers = Counter(name for node in proto.graph.node for name in node.input)
    for node in proto.graph.node:
        turn = turned.get(node.input[1]) if node.op_type == "MatMul" and node.input[0] in flat else None
        if turn is None or turn.input[0] not in stored or readers[turn.output[0]] > 1:
            continue
        node.op_type = "Gemm"
        node.input[1] = turn.input[0]
        node.attribute.append(onnx.helper.make_attribute("transB", 1))
        proto.graph.node.remove(turn)


def _name_layers(proto: onnx.ModelProto) -> None:
    for node in proto.graph.node:
        if node.op_type in ("Conv", "Gemm", "MatMul") and node.input[1].endswith(_WEIGHT):
            node.name = node.input[1].removesuffix(_WEIGHT)


def _trainable(module: nn.Module, images: Tensor, proto: onnx.ModelProto, network: OnnxNetwork) -> Trainable:
    state = module.state_dict()
    stored = {tensor.name: tuple(tensor.dims) for tensor in proto.graph.initializer}
    lost = [name for name, value in module.named_parameters() if stored.get(name) != tuple(value.shape)]
    if lost:
        raise PruningError(
            f"{network.path.name}: torch's exporter does not keep {', '.join(lost)} as weights of the file; leave "
            "unused and shared parameters, and those computed from others, out of the module"
        )
    readers = {layer.name: network.initializer_of(layer.name).rpartition(".")[0] for layer in network.layers}
    return Trainable(
        module=module,
        names={name: name for name in stored if name in state},
        readers=readers,
        dropouts=_dropouts(module, images, {reader: layer for layer, reader in readers.items()}),
    )


def _dropouts(module: nn.Module, images: Tensor, layers: Mapping[str, str]) -> dict[str, str]:
    """Of each Dropout submodule, the layer that is called next. layers: their names, by those of their submodules."""
    copied, called = deepcopy(module).eval(), list[str]()
    for name, part in copied.named_modules():
        if name in layers or isinstance(part, _DROPOUTS):
            part.register_forward_hook(lambda *_, name=name: called.append(name))
    with torch.no_grad():
        copied(images)
    found: dict[str, str] = {}
    layer = ""
    for name in reversed(called):
        if name in layers:
            layer = layers[name]
        elif layer:
            found[name] = layer
    return found
