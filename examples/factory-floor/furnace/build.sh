#!/bin/sh
# Builds furnace.wasm. ZIG names another zig.
set -eu
cd "$(dirname "$0")"

if [ -n "${ZIG:-}" ]; then
    zig() { "$ZIG" "$@"; }
elif [ -x .venv/bin/python3 ] && .venv/bin/python3 -c 'import ziglang' 2>/dev/null; then
    zig() { .venv/bin/python3 -m ziglang "$@"; }
elif command -v python3 >/dev/null && python3 -c 'import ziglang' 2>/dev/null; then
    zig() { python3 -m ziglang "$@"; }
elif ! command -v zig >/dev/null; then
    echo "build.sh: there is no zig" >&2
    echo "  python3 -m venv .venv && .venv/bin/pip install ziglang==0.17.0" >&2
    exit 1
fi

# There is no main; what is exported stays. ReleaseSmall is a third of the size and checks nothing.
zig build-exe main.zig -target wasm32-freestanding -fno-entry -rdynamic -O ReleaseSafe -fstrip --stack 65536 \
    -femit-bin=furnace.wasm
