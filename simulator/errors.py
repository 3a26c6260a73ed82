"""What can go wrong because of what a person gave us. Anything else is a bug and keeps its traceback.

Every message reads *where: what is wrong, the value; what would do*, and is part of the interface: tests match it.
"""


class PicojouleError(Exception):
    """Base of every error that the command line shows as one message, with exit code 2."""


class SpecError(PicojouleError):
    """An accelerator, layer or options file that does not describe something we can simulate."""


class MappingError(PicojouleError):
    """A mapping that does not fit its layer or its accelerator, or a layer that no mapping fits."""


class WorkloadError(PicojouleError):
    """A network, trace, image file or tensor that cannot be used."""


class OutputError(PicojouleError):
    """A file or folder that results cannot be written to."""


class WorkerError(PicojouleError):
    """A worker process that ended before its work did."""


class ConservationError(PicojouleError):
    """The simulation lost or invented words or MACs. Always a bug in picojoule; never caught inside it."""


class PruningError(PicojouleError):
    """Weights, activations or a request that a network or a layer cannot be pruned with."""
