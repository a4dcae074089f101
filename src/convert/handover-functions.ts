/**
 * Functions of the script of a hand-over. Each ends the script where kubectl cannot say what is there: what is not known is never
 * taken for nothing.
 *
 * A kubectl asks some ten times, and then five times a second: so what is there is asked of all at once, in one list, and what is
 * changed is changed by several of them, each of ten objects at most. Of bash 3.2, which macOS has; that takes an empty list for an
 * unset one, but for `${list[@]+…}`.
 */
export const helpers = `may() { kubectl auth can-i "$@" --as="$HOLDFAST" --quiet || { echo "Holdfast may not: $*" >&2; missing=1; }; }
these() { names=("$@"); }
in_parts() { xargs -n "$1" -P 8 "\${@:2}" || exit 1; } # COUNT COMMAND…, with as many words more at a time
change() { # PATCH PLACE…, of what these names
  [ "\${#names[@]}" -eq 0 ] || printf '%s\\n' "\${names[@]}" | in_parts 10 kubectl patch "\${@:2}" --type=merge -p "$1"
}
among() { # COLUMNS PLACE…: a line for each of what these names that is there
  local all
  all=$(kubectl get "\${@:2}" --no-headers -o custom-columns="N:.metadata.name,$1") || exit 1
  awk 'NR == FNR { meant[$1]; next } NF && ($1 in meant)' <(printf '%s\\n' "\${names[@]}") - <<<"$all"
}
is_in() { [[ $'\\n'"$1" == *$'\\n'"$2 "* ]]; } # LINES WORD, with which one begins
remove() { printf '%s\\n' "\${names[@]}" | in_parts 10 kubectl delete "$@" --ignore-not-found; } # FLAGS PLACE…
those() { # LINES: their first words, from now on
  local line; names=()
  while read -r line _; do [ -z "$line" ] || names+=("$line"); done <<<"$1"
}
at_rest() { # PLACE…: who act no more
  local states name paused since
  states=$(among 'P:.metadata.annotations.crossplane\\.io/paused,D:.metadata.deletionTimestamp' "$@") || exit 1
  while read -r name paused since; do
    [ -z "$name" ] || [ "$paused" = true ] || [ "$since" != "<none>" ] || { echo "not paused, run the step pause first: $name" >&2; exit 1; }
  done <<<"$states"
}
all_there() { # PLACE…
  local found name
  found=$(among U:.metadata.uid "$@") || exit 1
  for name in "\${names[@]}"; do is_in "$found" "$name" || { echo "not there, run the step apply first: $name" >&2; exit 1; }; done
}
unpause() { # PLACE…: those that are still there
  local found; found=$(among U:.metadata.uid "$@") || exit 1
  those "$found"
  change '{"metadata":{"annotations":{"crossplane.io/paused":null}}}' "$@"
}
look() { # PLACE…: waits until they have, two minutes at most
  local states left until=$((SECONDS + 120)) ready='.status.conditions[?(@.type=="Ready")]'
  while :; do
    states=$(among "G:.metadata.generation,O:$ready.observedGeneration,S:$ready.status,R:$ready.reason" "$@") || exit 1
    left=$(awk 'NF && !($2 == $3 && ($4 == "True" || $5 == "Drifted"))' <<<"$states")
    [ -n "$left" ] && [ "$SECONDS" -lt "$until" ] || break
    sleep 1
  done
  awk 'NF && $4 != "True" { print "not Ready: " $1 " (" $5 ")" }' <<<"$states"
}
give_secrets() { # NAMESPACE RESOURCE API_VERSION KIND, and what secrets names: NAME SECRET
  local uids triples
  uids=$(kubectl get -n "$1" "$2" --no-headers -o custom-columns='N:.metadata.name,U:.metadata.uid') || exit 1
  triples=$(awk 'NR == FNR { uid[$1] = $2; next } !($1 in uid) { print "not there, run the step apply first: " $1 > "/dev/stderr"; exit 1 } { print $0, uid[$1] }' \\
    <(printf '%s\\n' "$uids") <(printf '%s\\n' "\${secrets[@]}")) || exit 1
  printf '%s\\n' "$triples" | in_parts 3 "$BASH" -c 'set -euo pipefail; give_secret "$@"' give "$1" "$3" "$4"
}
give_secret() { # NAMESPACE API_VERSION KIND NAME SECRET UID; who owned it before is written on it
  local found before
  found=$(kubectl get secret -n "$1" "$5" --ignore-not-found -o jsonpath='{.metadata.annotations.holdfast\\.dev/owners-before}{"\\n"}{.metadata.ownerReferences}{"\\nfound"}') || exit 1
  [ -n "$found" ] || return 0
  before=\${found%%$'\\n'*}
  [ -n "$before" ] || { before=\${found#*$'\\n'}; before=\${before%$'\\n'*}; before=\${before:-[]}; }
  before=$(sed 's/["\\\\]/\\\\&/g' <<<"$before")
  kubectl patch secret -n "$1" "$5" --type=merge -p '{"metadata":{"annotations":{"holdfast.dev/owners-before":"'"$before"'"},"ownerReferences":[{"apiVersion":"'"$2"'","kind":"'"$3"'","name":"'"$4"'","uid":"'"$6"'","controller":true,"blockOwnerDeletion":true}]}}'
}
return_secret() { # NAMESPACE NAME SECRET
  local before
  before=$(kubectl get secret -n "$1" "$3" --ignore-not-found -o jsonpath='{.metadata.annotations.holdfast\\.dev/owners-before}') || exit 1
  [ -n "$before" ] || return 0
  kubectl patch secret -n "$1" "$3" --type=merge -p '{"metadata":{"ownerReferences":'"$before"',"annotations":{"holdfast.dev/owners-before":null}}}'
}
export -f give_secret return_secret
go_back() { # PATCH, of what old, new, names, secrets and namespace name
  local states name found keep pairs=""
  states=$(among D:.metadata.deletionTimestamp "\${old[@]}") || exit 1
  keep=$(awk '$2 == "<none>"' <<<"$states")
  for name in "\${names[@]}"; do is_in "$keep" "$name" || echo "finish has begun, left as it is: $name" >&2; done
  those "$keep"
  [ "\${#names[@]}" -gt 0 ] || return 0
  found=$(among U:.metadata.uid "\${new[@]}") || exit 1
  those "$found"
  if [ "\${#names[@]}" -gt 0 ]; then
    change '{"metadata":{"annotations":{"holdfast.dev/orphan":"true"}},"spec":{"suspend":true}}' "\${new[@]}"
    [ "\${#secrets[@]}" -eq 0 ] || pairs=$(awk 'NR == FNR { meant[$1]; next } $1 in meant' <(printf '%s\\n' "\${names[@]}") <(printf '%s\\n' "\${secrets[@]}"))
    [ -z "$pairs" ] || printf '%s\\n' "$pairs" | in_parts 2 "$BASH" -c 'set -euo pipefail; return_secret "$@"' return "$namespace"
    remove --wait=true --timeout=2m "\${new[@]}"
  fi
  those "$keep"
  change "$1" "\${old[@]}"
}`;
