"""Networks as an accelerator sees them: from a name, an ONNX model, a layer trace or a table to layers and tensors."""

from workloads.built_in import BuiltInNetwork, built_in_networks
from workloads.recording import record
from workloads.sources import open_workload

__all__ = ["BuiltInNetwork", "built_in_networks", "open_workload", "record"]
