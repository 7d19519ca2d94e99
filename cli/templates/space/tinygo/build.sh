#!/bin/sh
# Builds %name%.wasm. TINYGO names another tinygo.
set -eu
cd "$(dirname "$0")"

tinygo=${TINYGO:-tinygo}
if ! command -v "$tinygo" >/dev/null; then
    echo "build.sh: there is no tinygo" >&2
    echo "  # install TinyGo: https://tinygo.org/getting-started/install" >&2
    exit 1
fi

"$tinygo" build -target wasi -scheduler=none -opt=z -o %name%.wasm .
