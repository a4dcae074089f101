#!/usr/bin/env bash
# Prints two folders: below the first nginx, HAProxy and Apache (Debian's packages) are unpacked, in the second is gunicorn (PyPI's),
# downloaded once into a cache folder outside the repository.
set -euo pipefail
cd "$(dirname "$0")"
command -v python3 > /dev/null || { echo "this measurement needs python3, for gunicorn" >&2; exit 1; }

../../test/debian/unpack.sh nginx-light haproxy apache2-bin

cache="${HOLDFAST_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast}/idle"
target="$cache/$(sha256sum requirements.txt | cut -c1-16)"
if [ ! -d "$target" ]; then
  mkdir -p "$cache"
  build=$(mktemp -d "$cache/build.XXXXXX")
  trap 'rm -rf "$build"' EXIT
  python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
    --requirement requirements.txt --target "$build" >&2
  mv "$build" "$target"
  trap - EXIT
fi
echo "$target"
