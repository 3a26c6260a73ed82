"""What pyproject.toml cannot say: the compiled module, and that one wheel serves every CPython from 3.11 on."""

from setuptools import setup

setup(
    cffi_modules=["native/build_kernels.py:ffi"],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
