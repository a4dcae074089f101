#!/usr/bin/env bash
# Signs what was pushed, image and chart, by digest, and attaches the list of the image's packages to both. Without a key of
# your own (COSIGN_KEY) the identity is that of the workflow: https://docs.sigstore.dev/cosign/signing/overview/
# REGISTRY; COSIGN_FLAGS: more of them.
set -euo pipefail
cd "$(dirname "$0")/../.."
flags=(--yes ${COSIGN_KEY:+--key="$COSIGN_KEY"} ${COSIGN_FLAGS:-})
for what in "$REGISTRY/holdfast@$(< dist/image.digest)" "$REGISTRY/charts/holdfast@$(< dist/chart.digest)"; do
  cosign sign "${flags[@]}" "$what"
  cosign attest "${flags[@]}" --type cyclonedx --predicate sbom.json "$what"
done
