#!/usr/bin/env bash
# Pushes `image` or `chart`, and keeps the digest under which it then is, since only a digest names what was signed:
# in dist/image.digest or dist/chart.digest and, in a workflow, as the step's output `digest`.
# REGISTRY, VERSION; for the chart HELM, and PLAIN_HTTP=1 for a registry without TLS.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p dist
case $1 in
  image)
    docker buildx build --platform linux/amd64,linux/arm64 --sbom=true --provenance=mode=max \
      --tag "$REGISTRY/holdfast:$VERSION" --metadata-file dist/image.json --push .
    digest=$(sed -n 's/.*"containerimage.digest": *"\(sha256:[0-9a-f]*\)".*/\1/p' dist/image.json)
    ;;
  chart)
    said=$("$HELM" push "dist/holdfast-$VERSION.tgz" "oci://$REGISTRY/charts" ${PLAIN_HTTP:+--plain-http} 2>&1) || { echo "$said" >&2; exit 1; }
    digest=$(sed -n 's/^Digest: *\(sha256:[0-9a-f]*\).*/\1/p' <<< "$said")
    ;;
esac
[ -n "$digest" ] || { echo "$1 was pushed, and nobody said under which digest" >&2; exit 1; }
echo "$digest" > "dist/$1.digest"
echo "$1: $digest"
echo "digest=$digest" >> "${GITHUB_OUTPUT:-/dev/null}"
