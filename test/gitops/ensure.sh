#!/usr/bin/env bash
# Prints the folder that holds gitops (main.go beside this script: kstatus, the Lua of Argo CD, the CEL of Flux) and kubeconform,
# building them there first if need be.
#
# They are built once from the Go module beside this script into a cache folder outside the repository: half a minute.
set -euo pipefail
cd "$(dirname "$0")"

cache="${HOLDFAST_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast}/gitops"
target="$cache/$(cat main.go go.mod go.sum ensure.sh | sha256sum | cut -c1-16)"
if [ -x "$target/kubeconform" ]; then
  echo "$target"
  exit
fi

command -v go > /dev/null || {
  echo "no Go 1.26 to build what asks kstatus, Argo CD's Lua and kubeconform" >&2
  exit 1
}
echo "building gitops and kubeconform into $target (once)" >&2
mkdir -p "$cache"
build=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$build"' EXIT
export CGO_ENABLED=0
nice -n 10 go build -p 2 -trimpath -ldflags "-s -w" -o "$build/gitops" .
nice -n 10 go build -p 2 -trimpath -ldflags "-s -w" -o "$build/kubeconform" github.com/yannh/kubeconform/cmd/kubeconform
rm -rf "$target"
mv "$build" "$target"
trap - EXIT
echo "$target"
