#!/usr/bin/env bash
# Prints the folder below which Debian's packages are unpacked: `unpack.sh PACKAGE…`. Its file `libraries` says where the loader
# finds what came along.
#
# They, and what they need and this machine lacks, are downloaded once, into a cache folder outside the repository: nothing is
# installed, no service is started, and root is not needed.
set -euo pipefail
command -v apt-get > /dev/null || {
  echo "Debian's packages are needed ($*), and there is no apt to download them" >&2
  exit 1
}

cache="${HOLDFAST_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast}/debian"
target="$cache/$1-$({ cat /etc/os-release "$0"; echo "$@"; dpkg --print-architecture; } | sha256sum | cut -c1-16)"
if [ ! -d "$target" ]; then
  echo "downloading Debian's packages $* into $target (once)" >&2
  mkdir -p "$cache"
  build=$(mktemp -d "$cache/build.XXXXXX")
  trap 'rm -rf "$build"' EXIT
  mkdir -p "$build/apt/lists/partial" "$build/apt/archives/partial"
  apt=(apt-get -qq -o Debug::NoLocking=1 -o "Dir::State::lists=$build/apt/lists" -o "Dir::Cache=$build/apt" -o APT::Sandbox::User=root)
  "${apt[@]}" update >&2
  "${apt[@]}" install -y --download-only --no-install-recommends "$@" >&2
  for archive in "$build"/apt/archives/*.deb; do dpkg -x "$archive" "$build"; done
  rm -rf "$build/apt" "$build/usr/share/"{doc,man,locale}
  # With the name that the folder is going to have.
  (cd "$build" && find . \( -name '*.so' -o -name '*.so.*' \) -not -path '*perl*' -printf '%h\n' | sort -u | sed "s|^\.|$target|" | paste -sd: > libraries)
  mv "$build" "$target"
  trap - EXIT
fi
echo "$target"
