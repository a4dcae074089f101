#!/usr/bin/env bash
# Prints the path of helm, building it first if need be.
#
# HOLDFAST_TEST_HELM, the path of a Helm 4, wins. Otherwise it is built once from its Go module (the version stands in the
# go.mod beside this script) into a cache folder outside the repository: some minutes, then never again.
set -euo pipefail
cd "$(dirname "$0")"

if [ -n "${HOLDFAST_TEST_HELM:-}" ]; then
  [ -x "$HOLDFAST_TEST_HELM" ] || { echo "HOLDFAST_TEST_HELM=$HOLDFAST_TEST_HELM is no program" >&2; exit 1; }
  echo "$HOLDFAST_TEST_HELM"
  exit
fi

cache="${HOLDFAST_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast}/helm"
target="$cache/$(cat go.sum ensure.sh | sha256sum | cut -c1-16)"
if [ -x "$target/helm" ]; then
  echo "$target/helm"
  exit
fi

command -v go > /dev/null || {
  echo "no Helm: set HOLDFAST_TEST_HELM to a Helm 4, or install Go 1.26 to build it" >&2
  exit 1
}
version=$(go list -m -f '{{.Version}}' helm.sh/helm/v4)
echo "building helm $version into $target (once, some minutes)" >&2
mkdir -p "$cache"
build=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$build"' EXIT
# Below whatever else the machine does: tests that look at the clock may be running.
CGO_ENABLED=0 nice -n 10 go build -trimpath -o "$build/helm" \
  -ldflags "-s -w -X helm.sh/helm/v4/internal/version.version=$version" helm.sh/helm/v4/cmd/helm
rm -rf "$target"
mv "$build" "$target"
trap - EXIT
echo "$target/helm"
