#!/bin/sh
# Says plainly what a machine lacks before anything is installed: Python 3.11, venv, Python's C headers, a C compiler.
# PYTHON names the interpreter; CC, if set, the compiler.
set -u

refuse() {
    echo "picojoule: $1" >&2
    exit 1
}

command -v "$PYTHON" >/dev/null 2>&1 ||
    refuse "$PYTHON: no such command; install Python 3.11 or newer, or name one: make PYTHON=python3.12 demo"

"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    refuse "$PYTHON: $("$PYTHON" --version 2>&1) is too old; need 3.11 or newer: make PYTHON=python3.12 demo"

"$PYTHON" -c 'import ensurepip, venv' 2>/dev/null ||
    refuse "$PYTHON: cannot make virtual environments; install its venv package (Debian: python3-venv)"

"$PYTHON" -c 'import os.path, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' ||
    refuse "$PYTHON: no C headers (Python.h); install its development package (Debian: python3-dev)"

compiler=${CC:-$("$PYTHON" -c 'import sysconfig; print(sysconfig.get_config_var("CC"))')}
compiler=${compiler%% *}
command -v "$compiler" >/dev/null 2>&1 ||
    refuse "$compiler: no such C compiler; install one (Debian: build-essential), or name one: make CC=gcc demo"
