#!/bin/sh
# Exchanges images with the Python package `datasketches`, both ways, in a virtual environment
# that is made for it. Says so and succeeds where the package cannot be installed: the fixtures in
# tests/it/datasketches.rs stand in there.
set -eu
export PYTHONDONTWRITEBYTECODE=1
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
if ! { python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet datasketches==5.2.0; }; then
    echo "interop: skipped, the Python package datasketches 5.2.0 cannot be installed here"
    exit 0
fi
mkdir "$dir/images"
"$dir/venv/bin/python" tests/interop/peer.py write "$dir/images"
FOREBAY_INTEROP="$dir/images" cargo test --quiet --features datasketches --test it \
    images_are_exchanged_with_the_python_peer
"$dir/venv/bin/python" tests/interop/peer.py check "$dir/images"
