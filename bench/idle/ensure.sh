#!/usr/bin/env bash
# Prints two folders: below the first nginx, HAProxy and Apache (Debian's packages) are unpacked, in the second is gunicorn (PyPI's),
# downloaded once.
set -euo pipefail
cd "$(dirname "$0")"
. ../../test/support/once.sh
need python3 "this measurement needs python3, for gunicorn"

../../test/debian/unpack.sh nginx-light haproxy apache2-bin

make_in() {
  again python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
    --requirement requirements.txt --target "$1"
}
make_once idle "$(fingerprint < requirements.txt)" gunicorn
echo "$target"
