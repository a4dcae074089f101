#!/usr/bin/env bash
# Prints the folder that holds kube-apiserver, etcd and kubectl, building them there first if need be.
#
# KUBEBUILDER_ASSETS wins. Otherwise the three are built from their Go modules (the versions stand in the go.mod files beside this
# script): about 5 minutes on two cores, then never again.
set -euo pipefail
cd "$(dirname "$0")"
. ../support/once.sh

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
  for binary in kube-apiserver etcd kubectl; do
    [ -x "$KUBEBUILDER_ASSETS/$binary" ] || { echo "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS has no $binary" >&2; exit 1; }
  done
  echo "$KUBEBUILDER_ASSETS"
  exit
fi

make_in() {
  need go "no control plane: set KUBEBUILDER_ASSETS to a folder with kube-apiserver, etcd and kubectl, or install Go 1.26 to build them"
  cd kubernetes
  version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
  # An API server without these stamps reports v0.0.0, which neither kubectl nor helm understands.
  stamps=""
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    stamps="$stamps -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$(echo "$version" | cut -d. -f2)"
  done
  build_go -ldflags "-s -w $stamps" -o "$1/kube-apiserver" k8s.io/kubernetes/cmd/kube-apiserver
  build_go -ldflags "-s -w $stamps" -o "$1/kubectl" k8s.io/kubernetes/cmd/kubectl
  cd ../etcd
  build_go -ldflags "-s -w" -o "$1/etcd" go.etcd.io/etcd/server/v3
}
make_once control-plane "$(cat kubernetes/go.sum etcd/go.sum ensure.sh | fingerprint)" kubectl
echo "$target"
