#!/bin/sh
# Says plainly what a machine lacks before anything is installed: Python 3.11, its headers, venv, or a C compiler.
# PYTHON names the interpreter.
set -u

refuse() {
    echo "picojoule: $1" >&2
    exit 1
}

command -v "$PYTHON" >/dev/null 2>&1 ||
    refuse "$PYTHON: no such command; install Python 3.11 or newer, or name one: make PYTHON=python3.12"

"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    refuse "$PYTHON is $("$PYTHON" --version 2>&1), need 3.11 or newer; name another: make PYTHON=python3.12"

"$PYTHON" -c 'import ensurepip, venv' 2>/dev/null ||
    refuse "$PYTHON cannot make virtual environments; install its venv package (Debian: python3-venv)"

"$PYTHON" -c 'import os.path, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' ||
    refuse "$PYTHON has no C headers (Python.h); install its development package (Debian: python3-dev)"

compiler=${CC:-$("$PYTHON" -c 'import sysconfig; print(sysconfig.get_config_var("CC").split()[0])')}
command -v "${compiler%% *}" >/dev/null 2>&1 ||
    refuse "$compiler: no such C compiler; install one (Debian: build-essential), or name one: make CC=gcc"
