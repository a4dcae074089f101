#!/usr/bin/env bash
# Prints the path of a program of a Debian package: `ensure.sh PACKAGE PROGRAM`.
#
# One that is on PATH wins. Otherwise, where there is apt, the package and what it needs and this machine lacks are unpacked
# into a cache folder outside the repository, once: nothing is installed, no service is started, and root is not needed.
set -euo pipefail
package=$1 program=$2

if command -v "$program"; then exit; fi
command -v apt-get > /dev/null || {
  echo "no $program on PATH, and no apt to download Debian's package $package" >&2
  exit 1
}

cache="${HOLDFAST_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast}/debian"
target="$cache/$package-$({ cat /etc/os-release "$0"; dpkg --print-architecture; } | sha256sum | cut -c1-16)"
if [ ! -d "$target" ]; then
  echo "downloading Debian's package $package into $target (once)" >&2
  mkdir -p "$cache"
  build=$(mktemp -d "$cache/build.XXXXXX")
  trap 'rm -rf "$build"' EXIT
  mkdir -p "$build/apt/lists/partial" "$build/apt/archives/partial"
  apt=(apt-get -qq -o Debug::NoLocking=1 -o "Dir::State::lists=$build/apt/lists" -o "Dir::Cache=$build/apt" -o APT::Sandbox::User=root)
  "${apt[@]}" update >&2
  "${apt[@]}" install -y --download-only --no-install-recommends "$package" >&2
  for archive in "$build"/apt/archives/*.deb; do dpkg -x "$archive" "$build"; done
  rm -rf "$build/apt" "$build/usr/share"
  mv "$build" "$target"
  trap - EXIT
fi

# A script in its place lets it find the libraries that came along. A program of this name below a megabyte is a script, too.
wrapper="$target/$program"
if [ ! -x "$wrapper" ]; then
  real=$(find "$target/usr" -type f -name "$program" -size +1M -perm -u+x | sed -n 1p)
  [ -n "$real" ] || { echo "Debian's package $package has no program $program" >&2; exit 1; }
  libraries=$(find "$target" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
  printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s" "$@"\n' "$libraries" "$real" > "$wrapper.$$"
  chmod +x "$wrapper.$$"
  mv "$wrapper.$$" "$wrapper"
fi
echo "$wrapper"
