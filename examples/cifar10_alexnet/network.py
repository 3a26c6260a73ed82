"""The network, its MACs, and the ONNX files that torch's two exporters make of it. train.py gives it its weights."""

from collections import OrderedDict
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


def macs_of(network: nn.Sequential) -> dict[str, int]:
    """Multiply-accumulates of each CONV and FC layer for one image, those on padding included."""
    macs = {}
    values = torch.zeros(1, 3, 32, 32)
    with torch.no_grad():
        for name, part in network.eval().named_children():
            values = part(values)
            if isinstance(part, nn.Conv2d | nn.Linear):
                macs[name] = part.weight[0].numel() * values.numel()
    return macs


def export_onnx(network: nn.Sequential, folder: Path) -> list[Path]:
    """The network by both of torch's exporters, for a batch of any size, and once with its weights in a second file."""
    network.eval()  # else BatchNormalization is exported as it trains
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
