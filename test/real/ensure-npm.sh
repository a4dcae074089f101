#!/usr/bin/env bash
# Prints the folder in which the servers of test/real that come from npm are installed, once, into a cache outside the repository.
set -euo pipefail
here=$(cd "$(dirname "$0")/npm" && pwd)
cache="${HOLDFAST_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast}/real"
target="$cache/npm-$({ cat "$0" "$here"/package*.json; node --version; } | sha256sum | cut -c1-16)"
if [ ! -d "$target" ]; then
  echo "installing servers from npm into $target (once)" >&2
  mkdir -p "$cache"
  build=$(mktemp -d "$cache/build.XXXXXX")
  trap 'rm -rf "$build"' EXIT
  cp "$here"/package*.json "$build"
  (cd "$build" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
  mv "$build" "$target"
  trap - EXIT
fi
echo "$target"
