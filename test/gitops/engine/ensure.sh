#!/usr/bin/env bash
# Prints the path of the program beside this script, built once: two minutes of processor time where the control plane was
# built before, since gitops-engine's health package compiles 927 others, kubectl's among them.
set -euo pipefail
cd "$(dirname "$0")"
. ../../support/once.sh

make_in() {
  need go "no Go 1.26 to build what asks gitops-engine"
  build_go -ldflags "-s -w" -o "$1/engine" .
}
make_once gitops-engine "$(cat main.go go.mod go.sum ensure.sh | fingerprint)" engine
echo "$target/engine"
