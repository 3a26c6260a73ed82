"""Builds `native._kernels` from src/: read by setup.py, never imported by the package.

One header serves compiler and cffi: the part between its two markers is what Python sees.
"""

import os
from pathlib import Path

from cffi import FFI

ROOT = Path(__file__).resolve().parent.parent
SOURCES = Path("native", "src")
CDEF_BEGIN = "/* cdef begin */"
CDEF_END = "/* cdef end */"

# Portable: a wheel is carried to other machines, so no -march=native. Warnings are errors only where we check ourselves
# (PICOJOULE_WERROR=1, in CI): another compiler's new warning must not stop a user's install.
FLAGS = ("-O3", "-std=c99", "-Wall", "-Wextra", "-Wconversion")


def declarations(header: str) -> str:
    """What lies between the header's cdef markers."""
    _, begin, rest = header.partition(CDEF_BEGIN)
    inside, end, after = rest.partition(CDEF_END)
    if not (begin and end) or CDEF_BEGIN in after:
        raise ValueError(f"native/src/kernels.h: needs one part between {CDEF_BEGIN} and {CDEF_END}")
    return inside


def _builder() -> FFI:
    builder = FFI()
    builder.cdef(declarations((ROOT / SOURCES / "kernels.h").read_text(encoding="utf-8")))
    builder.set_source(
        "native._kernels",
        '#include "kernels.h"',
        sources=_paths("*.c"),
        depends=_paths("*.h"),
        include_dirs=[str(SOURCES)],
        extra_compile_args=[*FLAGS, *_werror()],
    )
    return builder


def _paths(pattern: str) -> list[str]:
    """Relative to the checkout, as setuptools wants them, and in the same order everywhere."""
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / SOURCES).glob(pattern))


def _werror() -> list[str]:
    return ["-Werror"] if os.environ.get("PICOJOULE_WERROR") == "1" else []


ffi = _builder()
