/** Functions in shell, of the script that takes live objects over. */
/**
 * Functions of the script. A Secret is given to an object, whose uid is only known then; who owned it before is written on it. Each
 * ends the script where kubectl cannot say what is there: what is not known is never taken for nothing. Bash 3.2, which macOS has,
 * takes an empty list for an unset one, but for `${list[@]+…}`.
 */
export const helpers = `exists() { local found; found=$(kubectl get "$@" --ignore-not-found -o name) || exit 1; [ -n "$found" ]; }
may() { kubectl auth can-i "$@" --as="$HOLDFAST" --quiet || { echo "Holdfast may not: $*" >&2; missing=1; }; }
at_rest() { # who act no more
  local states name paused since
  states=$(kubectl get "$@" --ignore-not-found --no-headers -o custom-columns='N:.metadata.name,P:.metadata.annotations.crossplane\\.io/paused,D:.metadata.deletionTimestamp') || exit 1
  while read -r name paused since; do
    [ -z "$name" ] || [ "$paused" = true ] || [ "$since" != "<none>" ] || { echo "not paused, run the step pause first: $name" >&2; exit 1; }
  done <<<"$states"
}
unpause() { # those that are still there
  local found; found=$(kubectl get "$@" --ignore-not-found -o name) || exit 1
  local where=(); [ "$1" != -n ] || where=(-n "$2")
  [ -z "$found" ] || kubectl annotate \${where[@]+"\${where[@]}"} $found crossplane.io/paused-
}
give_secret() { # NAMESPACE SECRET RESOURCE NAME API_VERSION KIND
  exists secret -n "$1" "$2" || return 0
  local uid before
  uid=$(kubectl get -n "$1" "$3" "$4" -o jsonpath='{.metadata.uid}')
  before=$(kubectl get secret -n "$1" "$2" -o jsonpath='{.metadata.annotations.holdfast\\.dev/owners-before}')
  [ -n "$before" ] || { before=$(kubectl get secret -n "$1" "$2" -o jsonpath='{.metadata.ownerReferences}'); before=\${before:-[]}
    kubectl annotate secret -n "$1" "$2" "holdfast.dev/owners-before=$before"; }
  kubectl patch secret -n "$1" "$2" --type=merge -p '{"metadata":{"ownerReferences":[{"apiVersion":"'"$5"'","kind":"'"$6"'","name":"'"$4"'","uid":"'"$uid"'","controller":true,"blockOwnerDeletion":true}]}}'
}
return_secret() { # NAMESPACE SECRET
  exists secret -n "$1" "$2" || return 0
  local before
  before=$(kubectl get secret -n "$1" "$2" -o jsonpath='{.metadata.annotations.holdfast\\.dev/owners-before}')
  [ -n "$before" ] || return 0
  kubectl patch secret -n "$1" "$2" --type=merge -p '{"metadata":{"ownerReferences":'"$before"',"annotations":{"holdfast.dev/owners-before":null}}}'
}
is_in() { local one=$1 other; shift; for other in "$@"; do [ "$one" != "$other" ] || return 0; done; return 1; }
go_back() { # POLICIES WAS_PAUSED, of what old, new, names, secrets and namespace name
  local states name since secret found keep=() there=()
  states=$(kubectl get "\${old[@]}" "\${names[@]}" --ignore-not-found --no-headers -o custom-columns='N:.metadata.name,D:.metadata.deletionTimestamp') || exit 1
  while read -r name since; do [ "$since" != "<none>" ] || keep+=("$name"); done <<<"$states"
  for name in "\${names[@]}"; do is_in "$name" \${keep[@]+"\${keep[@]}"} || echo "finish has begun, left as it is: $name" >&2; done
  [ "\${#keep[@]}" -gt 0 ] || return 0
  found=$(kubectl get "\${new[@]}" "\${keep[@]}" --ignore-not-found --no-headers -o custom-columns='N:.metadata.name') || exit 1
  while read -r name; do [ -z "$name" ] || there+=("$name"); done <<<"$found"
  if [ "\${#there[@]}" -gt 0 ]; then
    kubectl annotate "\${new[@]}" "\${there[@]}" --overwrite holdfast.dev/orphan=true
    kubectl patch "\${new[@]}" "\${there[@]}" --type=merge -p '{"spec":{"suspend":true}}'
    for secret in \${secrets[@]+"\${secrets[@]}"}; do is_in "\${secret% *}" "\${there[@]}" || continue; return_secret "$namespace" "\${secret#* }"; done
    kubectl delete "\${new[@]}" "\${there[@]}" --wait=true --timeout=2m
  fi
  kubectl patch "\${old[@]}" "\${keep[@]}" --type=merge -p "$1"
  [ "$2" = true ] || kubectl annotate "\${old[@]}" "\${keep[@]}" crossplane.io/paused-
}`;
