#!/bin/sh
# Runs tests/native on kernels built with the address and undefined-behaviour sanitizers. The copy under build/ keeps
# them away from the kernels in use; PICOJOULE_SANITIZED makes a test assert that they are the ones under test.
# $1: the Python of an environment with the dev extra.
set -eu
cd "$(dirname "$0")/.."

python=$PWD/$1
copy=build/sanitize
runtime=$(${CC:-cc} -print-file-name=libasan.so)
[ -e "$runtime" ] || { echo "sanitize: ${CC:-cc} has no shared libasan; install it, or set CC=gcc" >&2; exit 1; }

rm -rf "$copy"
mkdir -p "$copy"
cp -R simulator native workloads pruning picojoule tests pyproject.toml setup.py README.md LICENSE "$copy"
rm -f "$copy"/native/_kernels*.so
cd "$copy"

sanitizers=-fsanitize=address,undefined
CFLAGS="$sanitizers -fno-sanitize-recover=all -fno-omit-frame-pointer -g" LDFLAGS=$sanitizers \
    "$python" setup.py --quiet build_ext --inplace

# Leaks are off: the interpreter keeps memory on purpose. PYTHONMALLOC: every buffer is one that the sanitizer watches.
# --capture=sys: a report ends the process, so pytest must not hold back what was written to stderr itself.
LD_PRELOAD=$runtime ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc PICOJOULE_SANITIZED=1 \
    "$python" -m pytest -p no:cacheprovider --capture=sys tests/native
