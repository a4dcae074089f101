#!/usr/bin/env bash
# Prints the folder below which Debian's packages are unpacked: `unpack.sh PACKAGE…`. Its file `libraries` says where the loader
# finds what came along.
#
# They, and what they need and this machine lacks, are downloaded once: nothing is installed, no service is started, and root is
# not needed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../support/once.sh"
packages=("$@")
need apt-get "Debian's packages are needed ($*), and there is no apt to download them"

# Together: lists that are not there, or are of yesterday, name packages that cannot be had.
fetch() { "${apt[@]}" update && "${apt[@]}" install -y --download-only --no-install-recommends "${packages[@]}"; }
make_in() {
  mkdir -p "$1/apt/lists/partial" "$1/apt/archives/partial"
  apt=(apt-get -qq -o Debug::NoLocking=1 -o "Dir::State::lists=$1/apt/lists" -o "Dir::Cache=$1/apt" -o APT::Sandbox::User=root)
  again fetch
  for archive in "$1"/apt/archives/*.deb; do dpkg -x "$archive" "$1"; done
  rm -rf "$1/apt" "$1/usr/share/"{doc,man,locale}
  # With the name that the folder is going to have.
  (cd "$1" && find . \( -name '*.so' -o -name '*.so.*' \) -not -path '*perl*' -printf '%h\n' | sort -u | sed "s|^\.|$target|" | paste -sd: > libraries)
}
make_once debian "$1-$({ cat /etc/os-release "$here/unpack.sh"; echo "$@"; dpkg --print-architecture; } | fingerprint)" libraries
echo "$target"
