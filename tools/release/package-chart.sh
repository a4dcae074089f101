#!/usr/bin/env bash
# Writes dist/holdfast-VERSION.tgz: the chart, with the image's real name in place of the one that stands for it.
# HELM: the program. REGISTRY: host and path below which image and chart are. PROJECT_URL: where the repository is.
set -euo pipefail
cd "$(dirname "$0")/../.."
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -R charts/holdfast "$copy/"
sed -i.bak -e "s|registry\.example\.com/|$REGISTRY/|g" -e "s|https://git\.example\.com/holdfast|$PROJECT_URL|g" "$copy/holdfast/Chart.yaml"
sed -i.bak -e "s|^  repository: holdfast\$|  repository: $REGISTRY/holdfast|" "$copy/holdfast/values.yaml"
rm "$copy/holdfast/"*.bak
"$HELM" package "$copy/holdfast" --destination dist
