#!/usr/bin/env bash
# Prints the path of hadolint, the linter of Dockerfiles.
#
# One that is on PATH wins. Otherwise pip downloads the version of requirements.txt, and its program is unpacked into a cache
# folder outside the repository, once: nothing is installed.
set -euo pipefail
cd "$(dirname "$0")"

if command -v hadolint; then exit; fi
cache="${HOLDFAST_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast}/hadolint"
target="$cache/$(cat requirements.txt ensure.sh | sha256sum | cut -c1-16)"
if [ -x "$target/hadolint" ]; then
  echo "$target/hadolint"
  exit
fi

python3 -m pip --version > /dev/null 2>&1 || {
  echo "no hadolint on PATH, and no python3 with pip to download it" >&2
  exit 1
}
echo "downloading hadolint into $target (once)" >&2
mkdir -p "$cache"
build=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$build"' EXIT
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
  --requirement requirements.txt --dest "$build" >&2
python3 -m zipfile -e "$build"/*.whl "$build"
mv "$build"/*.data/scripts/hadolint "$build/hadolint"
chmod +x "$build/hadolint"
rm -rf "$build"/*.whl "$build"/*.data "$build"/*.dist-info "$target"
mv "$build" "$target"
trap - EXIT
echo "$target/hadolint"
