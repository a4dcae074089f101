#!/usr/bin/env bash
# Prints the path of helm, building it first if need be.
#
# HOLDFAST_TEST_HELM, the path of a Helm 4, wins. Otherwise it is built from its Go module (the version stands in the go.mod
# beside this script): some minutes, then never again.
set -euo pipefail
cd "$(dirname "$0")"
. ../support/once.sh

if [ -n "${HOLDFAST_TEST_HELM:-}" ]; then
  [ -x "$HOLDFAST_TEST_HELM" ] || { echo "HOLDFAST_TEST_HELM=$HOLDFAST_TEST_HELM is no program" >&2; exit 1; }
  echo "$HOLDFAST_TEST_HELM"
  exit
fi

make_in() {
  need go "no Helm: set HOLDFAST_TEST_HELM to a Helm 4, or install Go 1.26 to build it"
  version=$(go list -m -f '{{.Version}}' helm.sh/helm/v4)
  build_go -o "$1/helm" -ldflags "-s -w -X helm.sh/helm/v4/internal/version.version=$version" helm.sh/helm/v4/cmd/helm
}
make_once helm "$(cat go.sum ensure.sh | fingerprint)" helm
echo "$target/helm"
