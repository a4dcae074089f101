#!/usr/bin/env bash
# Prints the folder that holds the CRDs of the Prometheus operator, which are in its Go module.
set -euo pipefail
cd "$(dirname "$0")/prometheus-operator"
module=github.com/prometheus-operator/prometheus-operator
. ../../support/once.sh
need go "no CRDs of the Prometheus operator: install Go 1.26 to download them"
again go mod download "$module"
echo "$(go list -m -f '{{.Dir}}' "$module")/example/prometheus-operator-crd"
