{{/* What the controller may do where it watches; no more than what it asks the API server. */}}
{{- define "holdfast.rules" -}}
{{- $kinds := .kinds -}}
- apiGroups: [holdfast.dev]
  resources: {{ toJson $kinds }}
  verbs: [get, list, watch]
- apiGroups: [holdfast.dev]
  resources:
    {{- range $kinds }}
    - {{ . }}/status
    {{- end }}
  verbs: [patch]
{{- end }}

{{- define "holdfast.namespacedRules" -}}
{{- include "holdfast.rules" (dict "kinds" (fromYaml (include "holdfast.kinds" .)).namespaced) }}
{{- /* Their finalizers, which are no part of the status. */}}
- apiGroups: [holdfast.dev]
  resources: [httpresources, httpendpoints]
  verbs: [patch]
{{- /* Those that have finished, where they say after how long. */}}
- apiGroups: [holdfast.dev]
  resources: [httprequests]
  verbs: [delete]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- if include "holdfast.serves" . }}
{{ include "holdfast.servedRules" (dict "group" "http.m.crossplane.io" "configs" (list "providerconfigs")) }}
- apiGroups: [holdfast.dev]
  resources: [httprequests, httpresources]
  verbs: [create, patch, delete]
{{- end }}
{{- end }}

{{- define "holdfast.serves" -}}
{{- if not (has (toString .Values.controller.serveProviderHttp) (list "" "<nil>" "off" "false")) }}true{{ end }}
{{- end }}

{{/* Of provider-http's kinds: their finalizers and annotations, their status, and the configs that they name. */}}
{{- define "holdfast.servedRules" -}}
- apiGroups: [{{ .group }}]
  resources: [requests, disposablerequests]
  verbs: [get, list, watch, patch]
- apiGroups: [{{ .group }}]
  resources: [requests/status, disposablerequests/status]
  verbs: [patch]
- apiGroups: [{{ .group }}]
  resources: {{ toJson .configs }}
  verbs: [get, list, watch]
{{- end }}

{{/* Namespaces are looked at for their labels, by which policies choose them. */}}
{{- define "holdfast.clusterRules" -}}
{{- include "holdfast.rules" (dict "kinds" (fromYaml (include "holdfast.kinds" .)).cluster) }}
- apiGroups: [holdfast.dev]
  resources: [clusterhttpendpoints]
  verbs: [patch]
- apiGroups: [""]
  resources: [namespaces]
  verbs: [list, watch]
{{- if include "holdfast.serves" . }}
{{ include "holdfast.servedRules" (dict "group" "http.crossplane.io" "configs" (list "providerconfigs")) }}
- apiGroups: [http.m.crossplane.io]
  resources: [clusterproviderconfigs]
  verbs: [get, list, watch]
{{- end }}
{{- end }}

{{- define "holdfast.secretRules" -}}
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch]
{{- end }}

{{/* Their content is written under the name that a request declares, which no rule can know. */}}
{{- define "holdfast.outputRules" -}}
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create, patch]
- apiGroups: [""] # which it may get in any case
  resources: [configmaps]
  verbs: [create, patch]
{{- end }}

{{- define "holdfast.tokenRules" -}}
- apiGroups: [""]
  resources: [serviceaccounts/token]
  verbs: [create]
{{- end }}

{{- define "holdfast.impersonationRules" -}}
- apiGroups: [""]
  resources: [serviceaccounts]
  verbs: [impersonate]
{{- end }}

{{/* (dict "root" $ "role" kind "name" of the role "binding" its own name, "namespace" where, "" for a ClusterRoleBinding) */}}
{{- define "holdfast.binding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ eq .namespace "" | ternary "ClusterRoleBinding" "RoleBinding" }}
metadata:
  name: {{ .name }}
  {{- include "holdfast.metadata" (dict "root" .root "namespace" .namespace) | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .role }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "holdfast.serviceAccountName" .root }}
    namespace: {{ include "holdfast.namespace" .root | quote }}
{{- end }}

{{/* A role and, unless "unbound", its binding. (dict "root" $ "name" .. "rules" text "namespace" where, "" for the cluster) */}}
{{- define "holdfast.role" -}}
{{- $kind := eq .namespace "" | ternary "ClusterRole" "Role" }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ .name }}
  {{- include "holdfast.metadata" (dict "root" .root "namespace" .namespace "labels" .labels) | nindent 2 }}
rules:
  {{- .rules | nindent 2 }}
{{- if not .unbound }}
---
{{ include "holdfast.binding" (dict "root" .root "role" $kind "name" .name "namespace" .namespace) }}
{{- end }}
{{- end }}

{{/*
A name cannot be demanded of what is created, or listed. Each slot has a lease, and each replica that shares the slots. While their
number changes Pods with the one before go on, until the last has gone: that number, as the common lease has it in the cluster.
*/}}
{{- define "holdfast.leaseRules" -}}
{{- $names := list (include "holdfast.leaseName" .) }}
{{- $counts := list (int (include "holdfast.slots" .)) }}
{{- $common := lookup "coordination.k8s.io/v1" "Lease" (include "holdfast.leaseNamespace" .) (first $names) | default dict }}
{{- with regexFind "^slots-of-([2-9]|[1-5][0-9]|6[0-4])$" (toString (dig "spec" "holderIdentity" "" $common)) }}
{{- $counts = uniq (append $counts (int (trimPrefix "slots-of-" .))) }}
{{- end }}
{{- range $slots := $counts }}
{{- if gt $slots 1 }}
{{- range $index := until $slots }}
{{- range $what := list "slot" "seat" }}
{{- $names = append $names (printf "%s-%s-%d-of-%d" (first $names) $what $index $slots) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- if gt (len $names) 1 }}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [list]
{{- end }}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: {{ toJson $names }}
  verbs: [get, watch, patch]
{{- end }}

{{/* provider-http's own, which is held so that it stands by: `namespace/name`. Empty where there is none to hold. */}}
{{- define "holdfast.providerLease" -}}
{{- if and (eq (toString .Values.controller.serveProviderHttp) "all") (contains "/" (toString .Values.controller.providerHttpLease)) }}{{ .Values.controller.providerHttpLease }}{{ end }}
{{- end }}

{{- define "holdfast.providerLeaseRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ splitList "/" (include "holdfast.providerLease" .) | last }}]
  verbs: [get, watch, patch]
{{- end }}

{{/* The key of digests of Secrets: the chart makes it empty, so that no right to create Secrets is needed. */}}
{{- define "holdfast.digestKeyRules" -}}
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [holdfast-digest-key]
  verbs: [get, patch]
{{- end }}

{{- define "holdfast.keepsDigests" -}}
{{- if ne (toString .Values.controller.secretDigests) "false" }}true{{ end }}
{{- end }}

{{/* To ask whose a token is, and what its bearer may. */}}
{{- define "holdfast.reviewRules" -}}
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs: [create]
- apiGroups: [authorization.k8s.io]
  resources: [subjectaccessreviews]
  verbs: [create]
{{- end }}

{{/* The same by hand: a ClusterRole that each API server brings along. */}}
{{- define "holdfast.metricsAuthCommand" -}}
kubectl create clusterrolebinding {{ include "holdfast.fullname" . }}-metrics-auth --clusterrole=system:auth-delegator --serviceaccount={{ include "holdfast.namespace" . }}:{{ include "holdfast.serviceAccountName" . }}
{{- end }}

{{/* Without a cluster to ask, as in `helm template`, nothing is found of any namespace, and nothing is said. */}}
{{- define "holdfast.checkNamespaces" -}}
{{- $missing := list }}
{{- $there := lookup "v1" "Namespace" "" "default" }}
{{- range .Values.controller.namespace }}
{{- if lookup "v1" "Namespace" "" . }}{{ $there = true }}{{ else }}{{ $missing = append $missing . }}{{ end }}
{{- end }}
{{- if and $there $missing }}
{{- fail (printf "controller.namespace: there is no namespace %s: create it first (kubectl create namespace %s), since rbac.scope: namespaces makes a role in each" (join ", " $missing) (first $missing)) }}
{{- end }}
{{- end }}
