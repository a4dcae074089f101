#!/usr/bin/env bash
# Prints the path of a program of a Debian package: `ensure.sh PACKAGE PROGRAM`. One that is on PATH wins; otherwise the package
# is unpacked, see unpack.sh.
set -euo pipefail
package=$1 program=$2

if command -v "$program"; then exit; fi
target=$("$(dirname "$0")/unpack.sh" "$package")

# A script in its place lets it find the libraries that came along. A program of this name below a megabyte is a script, too.
wrapper="$target/$program"
if [ ! -x "$wrapper" ]; then
  real=$(find "$target/usr" -type f -name "$program" -size +1M -perm -u+x | sed -n 1p)
  [ -n "$real" ] || { echo "Debian's package $package has no program $program" >&2; exit 1; }
  printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s" "$@"\n' "$(cat "$target/libraries")" "$real" > "$wrapper.$$"
  chmod +x "$wrapper.$$"
  mv "$wrapper.$$" "$wrapper"
fi
echo "$wrapper"
