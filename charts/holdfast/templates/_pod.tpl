{{- define "holdfast.podSpec" -}}
serviceAccountName: {{ include "holdfast.serviceAccountName" . }}
automountServiceAccountToken: false
terminationGracePeriodSeconds: {{ include "holdfast.terminationGracePeriodSeconds" . }}
enableServiceLinks: {{ .Values.enableServiceLinks }}
{{- if kindIs "bool" .Values.hostUsers }}
hostUsers: {{ .Values.hostUsers }}
{{- end }}
{{- with include "holdfast.imagePullSecrets" . }}
{{ . }}
{{- end }}
{{- range $field := list "runtimeClassName" "schedulerName" "dnsPolicy" }}
{{- with get $.Values $field }}
{{ $field }}: {{ . }}
{{- end }}
{{- end }}
{{- range $field := list "dnsConfig" "hostAliases" "initContainers" }}
{{- with get $.Values $field }}
{{ $field }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- $own := dict "labelSelector" (dict "matchLabels" (fromYaml (include "holdfast.selectorLabels" $))) }}
  {{- range . }}
  - {{- merge (dict) . $own | toYaml | nindent 4 }}
  {{- end }}
{{- end }}
securityContext:
  {{- include "holdfast.podSecurityContext" . | nindent 2 }}
containers:
  - name: controller
    image: {{ include "holdfast.image" . | quote }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    args:
      {{- include "holdfast.args" . | nindent 6 }}
    {{- with include "holdfast.env" . | trim }}
    env:
      {{- . | nindent 6 }}
    {{- end }}
    ports:
      - {name: metrics, containerPort: {{ include "holdfast.metricsPort" . }}}
      - {name: health, containerPort: {{ regexFind "[0-9]+$" .Values.controller.healthAddress }}}
    {{- $probe := dict "httpGet" (dict "path" "/healthz" "port" "health") }}
    startupProbe:
      {{- merge (dict) .Values.startupProbe $probe | toYaml | nindent 6 }}
    livenessProbe:
      {{- merge (dict) .Values.livenessProbe $probe | toYaml | nindent 6 }}
    readinessProbe:
      {{- merge (dict) .Values.readinessProbe (dict "httpGet" (dict "path" "/readyz" "port" "health")) | toYaml | nindent 6 }}
    resources:
      {{- toYaml .Values.resources | nindent 6 }}
    securityContext:
      {{- toYaml .Values.securityContext | nindent 6 }}
    volumeMounts:
      - {name: service-account, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
      {{- if include "holdfast.caSource" . }}
      - {name: ca-bundle, mountPath: /etc/holdfast/ca, readOnly: true}
      {{- end }}
      {{- if include "holdfast.metricsCertificate" . }}
      - {name: metrics-certificate, mountPath: /etc/holdfast/metrics, readOnly: true}
      {{- end }}
      {{- with .Values.extraVolumeMounts }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
  {{- with .Values.extraContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
volumes:
  # What a Pod has by default, but only here, and with a token that is good for an hour.
  - name: service-account
    projected:
      sources:
        - serviceAccountToken: {path: token, expirationSeconds: 3600}
        - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
        - downwardAPI: {items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]}
  {{- with include "holdfast.caSource" . }}
  - name: ca-bundle
    {{- . | nindent 4 }}
  {{- end }}
  {{- with include "holdfast.metricsCertificate" . }}
  - {name: metrics-certificate, secret: {secretName: {{ . }}, items: [{key: tls.crt, path: tls.crt}, {key: tls.key, path: tls.key}]}}
  {{- end }}
  {{- with .Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "holdfast.env" -}}
{{- $options := list }}
{{- if dig "limits" "memory" "" .Values.resources }}
{{- $options = append $options (printf "--max-old-space-size-percentage=%v" .Values.node.heapPercent) }}
{{- end }}
{{- with .Values.controller.journal }}
{{- $options = append $options (printf "--allow-fs-write=%s/" (trimSuffix "/" .)) }}
{{- end }}
{{- $options = compact (append $options .Values.node.options) }}
{{- with $options }}
- {name: NODE_OPTIONS, value: {{ join " " . | quote }}}
{{- end }}
{{- if include "holdfast.caSource" . }}
- {name: NODE_EXTRA_CA_CERTS, value: {{ printf "/etc/holdfast/ca/%s" .Values.caBundle.key | quote }}}
{{- end }}
{{- range $name, $value := dict "HTTP_PROXY" .Values.proxy.http "HTTPS_PROXY" .Values.proxy.https "NO_PROXY" .Values.proxy.noProxy }}
{{- with $value }}
- {name: {{ $name }}, value: {{ . | quote }}}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "holdfast.caSource" -}}
{{- with .Values.caBundle }}
{{- if and .configMap .secret }}{{ fail "caBundle: give configMap or secret, not both" }}{{ end }}
{{- if .configMap -}}
configMap: {name: {{ .configMap }}, items: [{key: {{ .key }}, path: {{ .key }}}]}
{{- else if .secret -}}
secret: {secretName: {{ .secret }}, items: [{key: {{ .key }}, path: {{ .key }}}]}
{{- end }}
{{- end }}
{{- end }}

{{- define "holdfast.metricsCertificate" -}}
{{- with .Values.metrics.secure }}{{ if .enabled }}{{ .certificateSecret }}{{ end }}{{ end }}
{{- end }}
