#!/usr/bin/env bash
# Prints the folder that holds gitops (main.go beside this script: kstatus, the Lua of Argo CD, the CEL of Flux) and kubeconform,
# built from the Go module beside this script: half a minute, once.
set -euo pipefail
cd "$(dirname "$0")"
. ../support/once.sh

make_in() {
  need go "no Go 1.26 to build what asks kstatus, Argo CD's Lua and kubeconform"
  build_go -ldflags "-s -w" -o "$1/gitops" .
  build_go -ldflags "-s -w" -o "$1/kubeconform" github.com/yannh/kubeconform/cmd/kubeconform
}
make_once gitops "$(cat main.go go.mod go.sum ensure.sh | fingerprint)" kubeconform
echo "$target"
