#!/bin/sh
# Builds assistant.wasm.
set -eu
cd "$(dirname "$0")"

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "build.sh: there is no node and npm" >&2
    echo "  apt install nodejs npm" >&2
    exit 1
fi
if [ ! -x node_modules/.bin/asc ]; then
    echo "build.sh: AssemblyScript is not installed in this folder" >&2
    echo "  npm install" >&2
    exit 1
fi

# The runtime with its collector, which runs at allocations.
node_modules/.bin/asc main.ts -O3 --debug --runtime incremental --use abort=main/abort -o assistant.wasm
