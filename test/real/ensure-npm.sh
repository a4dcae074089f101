#!/usr/bin/env bash
# Prints the folder in which the servers of test/real that come from npm are installed, once.
set -euo pipefail
cd "$(dirname "$0")"
. ../support/once.sh

make_in() {
  cp npm/package*.json "$1"
  cd "$1"
  again npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
}
make_once real "npm-$({ cat ensure-npm.sh npm/package*.json; node --version; } | fingerprint)" node_modules
echo "$target"
