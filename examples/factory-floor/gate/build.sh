#!/bin/sh
# Builds gate.wasm. CLANG names another clang.
set -eu
cd "$(dirname "$0")"

clang=
for candidate in ${CLANG:-clang clang-22 clang-21 clang-20 clang-19 clang-18 clang-17 clang-16 clang-15 clang-14}; do
    if command -v "$candidate" >/dev/null &&
        command -v "$("$candidate" --print-prog-name=wasm-ld)" >/dev/null; then
        clang=$candidate
        break
    fi
done
if [ -z "$clang" ]; then
    echo "build.sh: there is no ${CLANG:-clang} that has wasm-ld beside it" >&2
    echo "  apt install clang lld" >&2
    exit 1
fi

set -- --target=wasm32-unknown-unknown -nostdlib -ffreestanding -std=c11 -Wall -Wextra -Os -mbulk-memory

# The library is compiled once for the same sources, compiler and way to build.
library=.guest-$(echo "$clang" "$@" | cat - guest.c guest.h space.h | cksum | tr ' ' -).o
[ -s "$library" ] || "$clang" "$@" -c -o "$library" guest.c

# The stack lies below the data, so that an overflow traps instead of writing over them.
"$clang" "$@" -Wl,--no-entry -Wl,--stack-first -Wl,-z,stack-size=65536 -Wl,--strip-debug \
    -o gate.wasm main.c "$library"
for other in .guest-*.o; do
    [ "$other" = "$library" ] || rm -f "$other"
done
