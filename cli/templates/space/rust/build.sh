#!/bin/sh
# Builds %name%.wasm. `sh build.sh wasi` builds it with WASI: println!, eprintln!.
set -eu
cd "$(dirname "$0")"

case ${1:-} in
    "") target=wasm32-unknown-unknown ;;
    wasi) target=wasm32-wasip1 ;;
    *)
        echo "usage: sh build.sh [wasi]" >&2
        exit 2
        ;;
esac
for program in cargo rustc; do
    if ! command -v $program >/dev/null; then
        echo "build.sh: there is no $program" >&2
        echo "  apt install rustup && rustup default stable && rustup target add $target" >&2
        echo "  or see https://rustup.rs" >&2
        exit 1
    fi
done
if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; then
    echo "build.sh: Rust has no library for $target" >&2
    echo "  rustup target add $target" >&2
    exit 1
fi

# The stack lies below the data, so that an overflow traps instead of writing over them.
unset CARGO_ENCODED_RUSTFLAGS
RUSTFLAGS="-C link-arg=--stack-first -C link-arg=-zstack-size=65536" \
    cargo build --release --quiet --target $target --target-dir target
cp "target/$target/release/$(echo %name% | tr - _).wasm" %name%.wasm
