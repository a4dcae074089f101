#!/usr/bin/env bash
# Prints the path of actionlint, the linter of workflows.
#
# One that is on PATH wins. Otherwise it is built once from its Go module (the version stands in the go.mod beside this
# script) into a cache folder outside the repository: nothing is installed.
set -euo pipefail
cd "$(dirname "$0")"

if command -v actionlint; then exit; fi
cache="${HOLDFAST_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast}/actionlint"
target="$cache/$(cat go.sum ensure.sh | sha256sum | cut -c1-16)"
if [ -x "$target/actionlint" ]; then
  echo "$target/actionlint"
  exit
fi

command -v go > /dev/null || {
  echo "no actionlint on PATH, and no Go 1.26 to build it" >&2
  exit 1
}
echo "building actionlint into $target (once)" >&2
mkdir -p "$cache"
build=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$build"' EXIT
CGO_ENABLED=0 nice -n 10 go build -trimpath -o "$build/actionlint" -ldflags "-s -w" github.com/rhysd/actionlint/cmd/actionlint
rm -rf "$target"
mv "$build" "$target"
trap - EXIT
echo "$target/actionlint"
