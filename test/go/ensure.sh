#!/usr/bin/env bash
# Prints the path of a program that is written in Go: `ensure.sh NAME`. With `ensure.sh NAME if-built` nothing is built.
#
# One that is on PATH wins. Otherwise it is built once from its Go module (package and version stand in NAME/go.mod) into a
# cache folder outside the repository: nothing is installed.
set -euo pipefail
name=$1
if command -v "$name"; then exit; fi
cd "$(dirname "$0")"
ensure=$(sha256sum ensure.sh)
cd "$name"

cache="${HOLDFAST_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast}/$name"
target="$cache/$({ echo "$ensure"; cat go.mod go.sum; } | sha256sum | cut -c1-16)"
if [ -x "$target/$name" ]; then
  echo "$target/$name"
  exit
fi

if [ "${2:-}" = if-built ]; then
  echo "no $name on PATH, and none was built by $0 $name" >&2
  exit 1
fi
command -v go > /dev/null || {
  echo "no $name on PATH, and no Go 1.26 to build it" >&2
  exit 1
}
echo "building $name into $target (once)" >&2
mkdir -p "$cache"
build=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$build"' EXIT
CGO_ENABLED=0 nice -n 10 go build -trimpath -o "$build/$name" -ldflags "-s -w" "$(awk '$1 == "tool" { print $2 }' go.mod)"
rm -rf "$target"
mv "$build" "$target"
trap - EXIT
echo "$target/$name"
