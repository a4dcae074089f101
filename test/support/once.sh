# Sourced by the scripts that fetch or build what tests need: once, into a cache folder outside the repository, whole or not at all.

# What is on stdin, in 16 characters.
fingerprint() { sha256sum | cut -c1-16; }

# `make_once NAME KEY PROOF` sets `target` to the folder NAME/KEY of the cache. Where it has no PROOF in it, the caller's function
# `make_in FOLDER` makes what belongs there.
make_once() {
  local cache="${HOLDFAST_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast}/$1"
  target="$cache/$2"
  if [ -e "$target/$3" ]; then return; fi
  echo "making $target (once)" >&2
  mkdir -p "$cache"
  build=$(mktemp -d "$cache/build.XXXXXX")
  trap 'rm -rf "$build"' EXIT
  (make_in "$build") >&2
  rm -rf "$target"
  mv "$build" "$target"
  trap - EXIT
}

# `need PROGRAM WHY`: the program is on PATH, or this ends and says why it was needed.
need() {
  command -v "$1" > /dev/null || { echo "$2" >&2; exit 1; }
}

# Runs what fetches up to three times: a registry that fails once need not fail the run.
again() {
  "$@" || { sleep 5; "$@"; } || { sleep 20; "$@"; }
}

# Builds a Go program without what is in this machine; below whatever else it does: tests that look at the clock may be running.
build_go() {
  CGO_ENABLED=0 again nice -n 10 go build -p 2 -trimpath "$@"
}
