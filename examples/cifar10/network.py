"""The networks, their MACs, and the ONNX files that torch's two exporters make of them. train.py gives them weights."""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn


def alexnet_shaped() -> nn.Sequential:
    """AlexNet's five CONV (with BatchNormalization) and three FC layers, for CIFAR-10: (N, 3, 32, 32) to (N, 10)."""
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    channels = 3
    for index, (filters, size) in enumerate([(32, 5), (96, 5), (192, 3), (128, 3), (128, 3)], start=1):
        parts[f"conv{index}"] = nn.Conv2d(channels, filters, size, padding=size // 2, bias=False)
        parts[f"bn{index}"] = nn.BatchNorm2d(filters)
        parts[f"relu{index}"] = nn.ReLU()
        if index in (1, 2, 5):
            parts[f"pool{index}"] = nn.MaxPool2d(2)
        channels = filters
    parts["flatten"] = nn.Flatten()
    for index, inputs in ((6, channels * 4 * 4), (7, 512)):
        parts[f"drop{index}"] = nn.Dropout(0.3)
        parts[f"fc{index}"] = nn.Linear(inputs, 512)
        parts[f"relu{index}"] = nn.ReLU()
    parts["fc8"] = nn.Linear(512, 10)
    return nn.Sequential(parts)


class Fire(nn.Module):
    """SqueezeNet's module: 1 x 1 filters squeeze the channels, 1 x 1 and 3 x 3 filters side by side expand them."""

    def __init__(self, channels: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = _conv(channels, squeezed, 1)
        self.expand1x1 = _conv(squeezed, expanded, 1)
        self.expand3x3 = _conv(squeezed, expanded, 3)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        values = self.squeeze(values)
        return torch.cat([self.expand1x1(values), self.expand3x3(values)], 1)


def squeezenet_shaped() -> nn.Sequential:
    """SqueezeNet's eight Fire modules between two CONV layers, with BatchNormalization: (N, 3, 32, 32) to (N, 10)."""
    parts: OrderedDict[str, nn.Module] = OrderedDict(conv1=_conv(3, 64, 3), pool1=nn.MaxPool2d(2))
    channels = 64
    for index, (squeezed, expanded) in enumerate(
        [(16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)], start=2
    ):
        parts[f"fire{index}"] = Fire(channels, squeezed, expanded)
        if index in (3, 5):
            parts[f"pool{index}"] = nn.MaxPool2d(2)
        channels = 2 * expanded
    parts["drop9"] = nn.Dropout(0.3)
    parts["conv10"] = nn.Conv2d(channels, 10, 1)
    parts["pool10"] = nn.AdaptiveAvgPool2d(1)
    parts["flatten"] = nn.Flatten()
    return nn.Sequential(parts)


def _conv(channels: int, filters: int, size: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, filters, size, padding=size // 2, bias=False), nn.BatchNorm2d(filters), nn.ReLU()
    )


NETWORKS: dict[str, Callable[[], nn.Sequential]] = {"alexnet": alexnet_shaped, "squeezenet": squeezenet_shaped}


def macs_of(network: nn.Sequential) -> dict[str, int]:
    """Multiply-accumulates of each CONV and FC layer for one image, those on padding included."""
    macs: dict[str, int] = {}

    def count(name: str, part: nn.Conv2d | nn.Linear, ofmap: torch.Tensor) -> None:
        macs[name] = part.weight[0].numel() * ofmap.numel()

    hooks = [
        part.register_forward_hook(lambda part, _, ofmap, name=name: count(name, part, ofmap))
        for name, part in network.named_modules()
        if isinstance(part, nn.Conv2d | nn.Linear)
    ]
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, 32, 32))
    for hook in hooks:
        hook.remove()
    return macs


def export_onnx(network: nn.Sequential, folder: Path) -> list[Path]:
    """The network by both of torch's exporters, for a batch of any size, and once with its weights in a second file."""
    network.eval()  # else BatchNormalization is exported as it trains
    network.to(memory_format=torch.contiguous_format)  # else the newer exporter fixes the batch
    legacy, newer, external = (folder / f"{name}.onnx" for name in ("torchscript", "dynamo", "external"))
    torch.onnx.export(
        network,
        (torch.zeros(1, 3, 32, 32),),
        legacy,
        dynamo=False,
        input_names=["images"],
        output_names=["scores"],
        dynamic_axes={"images": {0: "batch"}, "scores": {0: "batch"}},
    )
    for path, separate in ((newer, False), (external, True)):
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, 32, 32),),
            path,
            dynamo=True,
            verbose=False,
            input_names=["images"],
            output_names=["scores"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            external_data=separate,
        )
    return [legacy, newer, external, external.with_suffix(".onnx.data")]
