#!/usr/bin/env bash
# Prints the path of a program that is written in Go: `ensure.sh NAME`. With `ensure.sh NAME if-built` nothing is built.
#
# One that is on PATH wins. Otherwise it is built once from its Go module: package and version stand in NAME/go.mod.
set -euo pipefail
name=$1
if command -v "$name"; then exit; fi
cd "$(dirname "$0")"
. ../support/once.sh
if_built=${2:-}

make_in() {
  if [ "$if_built" = if-built ]; then
    echo "no $name on PATH, and none was built by test/go/ensure.sh $name"
    exit 1
  fi
  need go "no $name on PATH, and no Go 1.26 to build it"
  cd "$name"
  build_go -o "$1/$name" -ldflags "-s -w" "$(awk '$1 == "tool" { print $2 }' go.mod)"
}
make_once "$name" "$(cat ensure.sh "$name/go.mod" "$name/go.sum" | fingerprint)" "$name"
echo "$target/$name"
