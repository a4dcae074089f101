#!/usr/bin/env bash
# Prints the folder below which Debian's packages of the servers of test/real are unpacked: `ensure.sh PACKAGE…`.
#
# They, and what they need and this machine lacks, are downloaded once, into a cache folder outside the repository: nothing is
# installed, no service is started, and root is not needed.
set -euo pipefail
command -v apt-get > /dev/null || {
  echo "the servers of test/real are Debian's packages ($*), and there is no apt to download them" >&2
  exit 1
}

cache="${HOLDFAST_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast}/real"
target="$cache/$({ cat /etc/os-release "$0"; echo "$@"; dpkg --print-architecture; } | sha256sum | cut -c1-16)"
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
  # Where the loader finds what came along, once the folder has its name.
  (cd "$build" && find . -name '*.so*' -path '*-linux-gnu*' -not -path '*perl*' -printf '%h\n' | sort -u | sed "s|^\.|$target|" | paste -sd: > libraries)
  mv "$build" "$target"
  trap - EXIT
fi
echo "$target"
