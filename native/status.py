"""The one place where a kernel's status becomes an exception."""

from native._kernels import lib

_MEANING = {
    lib.PJ_NO_MEMORY: (MemoryError, "a kernel could not allocate its working memory"),
    lib.PJ_BAD_SHAPE: (ValueError, "a kernel was given a shape with a size below its minimum or above its maximum"),
    lib.PJ_DEADLOCK: (RuntimeError, "a processing pass stopped making progress: a bug in the simulated machine"),
}


def check(status: int) -> None:
    """Raise what the status stands for; nothing if the kernel succeeded."""
    if status != lib.PJ_OK:
        kind, message = _MEANING[status]
        raise kind(message)
