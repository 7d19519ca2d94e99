#!/bin/sh
# Builds tools.wasm. ZIG names another zig.
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

# There is no main; what is exported stays. What goes wrong in it ends in its own memory.
zig build-exe main.zig -target wasm32-freestanding -fno-entry -rdynamic -O ReleaseSmall -fstrip --stack 65536 \
    -femit-bin=tools.wasm
