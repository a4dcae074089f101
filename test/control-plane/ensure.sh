#!/usr/bin/env bash
# Prints the folder that holds kube-apiserver, etcd and kubectl, building them there first if need be.
#
# KUBEBUILDER_ASSETS wins. Otherwise the three are built once from their Go modules (the versions stand in the go.mod
# files beside this script) into a cache folder outside the repository: about 5 minutes on two cores, then never again.
set -euo pipefail
cd "$(dirname "$0")"

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
  for binary in kube-apiserver etcd kubectl; do
    [ -x "$KUBEBUILDER_ASSETS/$binary" ] || { echo "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS has no $binary" >&2; exit 1; }
  done
  echo "$KUBEBUILDER_ASSETS"
  exit
fi

cache="${HOLDFAST_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast}/control-plane"
target="$cache/$(cat kubernetes/go.sum etcd/go.sum ensure.sh | sha256sum | cut -c1-16)"
if [ -x "$target/kubectl" ]; then
  echo "$target"
  exit
fi

command -v go > /dev/null || {
  echo "no control plane: set KUBEBUILDER_ASSETS to a folder with kube-apiserver, etcd and kubectl, or install Go 1.26 to build them" >&2
  exit 1
}
version=$(cd kubernetes && go list -m -f '{{.Version}}' k8s.io/kubernetes)
echo "building kube-apiserver $version, etcd and kubectl into $target (once, some minutes)" >&2
mkdir -p "$cache"
build=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$build"' EXIT
# An API server without these stamps reports v0.0.0, which neither kubectl nor helm understands.
stamps=""
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  stamps="$stamps -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$(echo "$version" | cut -d. -f2)"
done
export CGO_ENABLED=0
(cd etcd && go build -trimpath -ldflags "-s -w" -o "$build/etcd" go.etcd.io/etcd/server/v3)
(cd kubernetes && go build -trimpath -ldflags "-s -w $stamps" -o "$build/kube-apiserver" k8s.io/kubernetes/cmd/kube-apiserver)
(cd kubernetes && go build -trimpath -ldflags "-s -w $stamps" -o "$build/kubectl" k8s.io/kubernetes/cmd/kubectl)
rm -rf "$target"
mv "$build" "$target"
trap - EXIT
echo "$target"
