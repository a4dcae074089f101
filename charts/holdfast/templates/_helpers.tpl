{{- define "holdfast.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "holdfast.fullname" -}}
{{- $name := include "holdfast.name" . -}}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- .Values.fullnameOverride | default $full | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "holdfast.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace }}
{{- end }}

{{- define "holdfast.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "holdfast.fullname" .) "default") }}
{{- end }}

{{- define "holdfast.image" -}}
{{- with .Values.image }}
{{- with .registry | default (dig "imageRegistry" "" ($.Values.global | default dict)) }}{{ trimSuffix "/" . }}/{{ end }}
{{- .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* The Pods' security context: on OpenShift its users and groups are given by that. */}}
{{- define "holdfast.podSecurityContext" -}}
{{- $context := .Values.podSecurityContext -}}
{{- if .Values.openshift }}{{ $context = omit $context "runAsUser" "runAsGroup" "fsGroup" }}{{ end -}}
{{- toYaml $context }}
{{- end }}

{{- define "holdfast.imagePullSecrets" -}}
{{- with concat .Values.imagePullSecrets (dig "imagePullSecrets" list (.Values.global | default dict)) | uniq -}}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Whether an object of the Prometheus operator is made: (list $ kind settings). */}}
{{- define "holdfast.rendersMonitoring" -}}
{{- $root := index . 0 }}{{ $kind := index . 1 }}{{ $settings := index . 2 -}}
{{- $isThere := $root.Capabilities.APIVersions.Has (print "monitoring.coreos.com/v1/" $kind) -}}
{{- if and $settings.enabled (eq $settings.renderMode "failIfMissing") (not $isThere) }}
{{- fail (printf "the cluster has no %s (monitoring.coreos.com/v1): install the Prometheus operator's CRDs, or set renderMode: skipIfMissing" $kind) }}
{{- end }}
{{- if and $settings.enabled (or $isThere (ne $settings.renderMode "skipIfMissing")) }}true{{ end }}
{{- end }}

{{- define "holdfast.selectorLabels" -}}
app.kubernetes.io/name: {{ include "holdfast.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: controller
{{- end }}

{{- define "holdfast.labels" -}}
app.kubernetes.io/name: {{ include "holdfast.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The metadata of an object but its name: (dict "root" $ "labels" .. "annotations" .. "namespace" ..); "" for none. */}}
{{- define "holdfast.metadata" -}}
{{- if ne .namespace "" -}}
namespace: {{ .namespace | default (include "holdfast.namespace" .root) | quote }}
{{ end -}}
labels:
  {{- merge (dict) (.labels | default dict) (fromYaml (include "holdfast.labels" .root)) | toYaml | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) (.root.Values.commonAnnotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "holdfast.crdMetadata" -}}
{{- $annotations := merge (dict) (.Values.crds.keep | ternary (dict "helm.sh/resource-policy" "keep") dict) (.Values.crds.annotations | default dict) -}}
{{- include "holdfast.metadata" (dict "root" . "namespace" "" "annotations" $annotations) }}
{{- end }}

{{- define "holdfast.metricsPort" -}}
{{- regexFind "[0-9]+$" .Values.controller.metricsAddress }}
{{- end }}

{{/* Seconds, rounded up, in a duration such as 1m30s. */}}
{{- define "holdfast.seconds" -}}
{{- $ms := 0 -}}
{{- $units := dict "h" 3600000 "m" 60000 "s" 1000 "ms" 1 -}}
{{- range regexFindAll "[0-9]+(h|ms|m|s)" . -1 -}}
{{- $ms = add $ms (mul (regexFind "^[0-9]+" . | int64) (get $units (regexFind "[a-z]+$" .))) -}}
{{- end -}}
{{- div (add $ms 999) 1000 }}
{{- end }}

{{- define "holdfast.terminationGracePeriodSeconds" -}}
{{- $drain := include "holdfast.seconds" .Values.controller.shutdownTimeout | int64 -}}
{{- $grace := .Values.terminationGracePeriodSeconds | default (add $drain 10) | int64 -}}
{{- if le $grace $drain }}
{{- fail (printf "terminationGracePeriodSeconds (%d) must be longer than controller.shutdownTimeout (%d s)" $grace $drain) }}
{{- end }}
{{- $grace }}
{{- end }}

{{/* Whether more than one process may run at once. */}}
{{- define "holdfast.elects" -}}
{{- if ne (toString .Values.controller.leaderElect) "false" }}true{{ end }}
{{- end }}
{{- define "holdfast.leaseName" -}}
{{- .Values.controller.leaseName | default (include "holdfast.fullname" .) }}
{{- end }}
{{- define "holdfast.slots" -}}
{{- .Values.controller.slots | default 1 }}
{{- end }}
{{- define "holdfast.leaseNamespace" -}}
{{- .Values.controller.leaseNamespace | default (include "holdfast.namespace" .) }}
{{- end }}

{{/* The roles that let the controller read Secrets and write outputs, and what follows `kubectl create rolebinding` to bind one. */}}
{{- define "holdfast.secretReader" -}}
{{- include "holdfast.fullname" . }}-secret-reader
{{- end }}
{{- define "holdfast.outputWriter" -}}
{{- include "holdfast.fullname" . }}-output-writer
{{- end }}
{{- define "holdfast.impersonator" -}}
{{- include "holdfast.fullname" . }}-impersonator
{{- end }}
{{- define "holdfast.grant" -}}
{{ .name }} --{{ eq .root.Values.rbac.scope "cluster" | ternary "clusterrole" "role" }}={{ .name }} --serviceaccount={{ include "holdfast.namespace" .root }}:{{ include "holdfast.serviceAccountName" .root }}
{{- end }}
{{- define "holdfast.secretGrant" -}}
{{ include "holdfast.grant" (dict "root" . "name" (include "holdfast.secretReader" .)) }}
{{- end }}
{{- define "holdfast.outputGrant" -}}
{{ include "holdfast.grant" (dict "root" . "name" (include "holdfast.outputWriter" .)) }}
{{- end }}
{{/* The same for tokens of ServiceAccounts. */}}
{{- define "holdfast.tokenRequester" -}}
{{- include "holdfast.fullname" . }}-token-requester
{{- end }}
{{- define "holdfast.tokenGrant" -}}
{{ include "holdfast.grant" (dict "root" . "name" (include "holdfast.tokenRequester" .)) }}
{{- end }}
{{- define "holdfast.impersonationGrant" -}}
{{ include "holdfast.grant" (dict "root" . "name" (include "holdfast.impersonator" .)) }}
{{- end }}

{{/* One argument for each flag that is set. */}}
{{/* Whoever cannot read what policies deny opens nothing by itself. */}}
{{- define "holdfast.egressDefault" -}}
{{- .Values.controller.egressDefault | default (eq .Values.rbac.scope "cluster" | ternary "" "deny") }}
{{- end }}

{{- define "holdfast.args" -}}
- controller
{{- $ours := dict "leaseName" (include "holdfast.leaseName" .) "secretGrant" (include "holdfast.secretGrant" .) "outputGrant" (include "holdfast.outputGrant" .) "impersonationGrant" (include "holdfast.impersonationGrant" .) "serviceAccountTokenGrant" (include "holdfast.tokenGrant" .) "egressDefault" (include "holdfast.egressDefault" .) -}}
{{- $set := merge (dict) .Values.controller $ours -}}
{{/* Unquoted, off is false in YAML 1.1. */}}
{{- $offs := (fromYaml (include "holdfast.canBeOff" .)).flags -}}
{{- range $name, $flag := fromYaml (include "holdfast.flags" .) }}
{{- $value := get $set $name }}
{{- if kindIs "slice" $value }}{{ $value = join "," $value }}{{ end }}
{{- if and (kindIs "bool" $value) (not $value) (has $name $offs) }}{{ $value = "off" }}{{ end }}
{{- if kindIs "float64" $value }}{{ $value = int64 $value }}{{ end }}
{{- if not (has $value (list nil "")) }}
- {{ printf "%s=%v" $flag $value | quote }}
{{- end }}
{{- end }}
{{- with .Values.metrics.secure }}
{{- if .enabled }}
- --metrics-secure=true
{{- if .certificateSecret }}
- --metrics-cert-file=/etc/holdfast/metrics/tls.crt
- --metrics-key-file=/etc/holdfast/metrics/tls.key
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* PromQL matchers of this release's series: the job and namespace that the Prometheus operator gives to its targets. */}}
{{- define "holdfast.metricsSelector" -}}
{{- $name := include "holdfast.fullname" . -}}
{{- $byPod := and .Values.metrics.podMonitor.enabled (not .Values.metrics.serviceMonitor.enabled) -}}
{{- $job := $byPod | ternary (printf "%s/%s" (include "holdfast.namespace" .) $name) (printf "%s-metrics" $name) -}}
job={{ $job | quote }},namespace={{ include "holdfast.namespace" . | quote }}
{{- end }}
