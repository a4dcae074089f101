#!/usr/bin/env bash
# Prints the folder below which nginx, HAProxy and Apache (Debian's packages) and gunicorn (PyPI's) are unpacked.
#
# They, and what they need and this machine lacks, are downloaded once, into a cache folder outside the repository: nothing is
# installed, no service is started, and root is not needed.
set -euo pipefail
cd "$(dirname "$0")"
for tool in apt-get python3; do
  command -v "$tool" > /dev/null || { echo "the servers of this measurement need $tool to be downloaded" >&2; exit 1; }
done

cache="${HOLDFAST_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast}/idle"
target="$cache/$({ cat /etc/os-release ensure.sh requirements.txt; dpkg --print-architecture; } | sha256sum | cut -c1-16)"
if [ ! -d "$target" ]; then
  echo "downloading nginx, HAProxy, Apache and gunicorn into $target (once)" >&2
  mkdir -p "$cache"
  build=$(mktemp -d "$cache/build.XXXXXX")
  trap 'rm -rf "$build"' EXIT
  mkdir -p "$build/apt/lists/partial" "$build/apt/archives/partial"
  apt=(apt-get -qq -o Debug::NoLocking=1 -o "Dir::State::lists=$build/apt/lists" -o "Dir::Cache=$build/apt" -o APT::Sandbox::User=root)
  "${apt[@]}" update >&2
  "${apt[@]}" install -y --download-only --no-install-recommends nginx-light haproxy apache2-bin >&2
  for archive in "$build"/apt/archives/*.deb; do dpkg -x "$archive" "$build"; done
  rm -rf "$build/apt" "$build/usr/share"
  python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
    --requirement requirements.txt --target "$build/python" >&2
  find "$build" -name '*.so*' -printf '%h\n' | sort -u | sed "s|^$build|$target|" | paste -sd: > "$build/libraries"
  mv "$build" "$target"
  trap - EXIT
fi
echo "$target"
