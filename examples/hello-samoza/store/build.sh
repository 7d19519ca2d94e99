#!/bin/sh
# Builds store.wasm.
set -eu
cd "$(dirname "$0")"

target=wasm32-unknown-unknown
if ! command -v rustc >/dev/null; then
    echo "build.sh: there is no rustc" >&2
    echo "  apt install rustup && rustup default stable && rustup target add $target" >&2
    exit 1
fi
if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; then
    echo "build.sh: Rust has no library for $target" >&2
    echo "  rustup target add $target" >&2
    exit 1
fi

# The stack lies below the data, so that an overflow traps instead of writing over them.
rustc --edition 2021 --crate-type cdylib --target $target \
    -C opt-level=s -C lto -C codegen-units=1 -C panic=abort -C strip=debuginfo \
    -C link-arg=--stack-first -C link-arg=-zstack-size=65536 \
    -o store.wasm store.rs
