"""Are these kernels built as they should be: from the header's marked part, and with sanitizers exactly when asked?"""

import os
from pathlib import Path

import pytest

from native import _kernels
from native.build_kernels import declarations


def test_python_sees_what_lies_between_the_markers() -> None:
    header = "#include <stdint.h>\n/* cdef begin */\nint pj_step(void);\n/* cdef end */\n#endif\n"
    assert declarations(header) == "\nint pj_step(void);\n"


@pytest.mark.parametrize("header", ["", "/* cdef begin */ int a;", "int a; /* cdef end */"])
def test_a_header_without_both_markers_is_refused(header: str) -> None:
    with pytest.raises(ValueError, match=r"kernels\.h: needs one part between /\* cdef begin \*/ and /\* cdef end \*/"):
        declarations(header)


def test_a_second_marked_part_is_refused() -> None:
    part = "/* cdef begin */ int a; /* cdef end */"
    with pytest.raises(ValueError, match="needs one part"):
        declarations(part + part)


def test_the_kernels_under_test_are_this_tree_s_and_sanitized_exactly_when_asked(pytestconfig: pytest.Config) -> None:
    library = Path(_kernels.__file__)
    assert library.parent == pytestconfig.rootpath / "native"
    sanitized = os.environ.get("PICOJOULE_SANITIZED") == "1"
    content = library.read_bytes()
    assert (b"__asan_init" in content) == sanitized
    assert (b"__ubsan_handle" in content) == sanitized
