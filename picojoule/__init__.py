"""The command line: the one place that joins workloads, simulator and pruning."""

__version__ = "0.1.0"
