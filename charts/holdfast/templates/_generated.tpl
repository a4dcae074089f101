{{/* Made by `make generate` from src/config.ts and src/api. */}}
{{- define "holdfast.flags" -}}
kubeconfig: --kubeconfig
namespace: --namespace
watchLabelSelector: --watch-label-selector
secretGrant: --secret-grant
outputGrant: --output-grant
serviceAccountTokenGrant: --service-account-token-grant
impersonationGrant: --impersonation-grant
requireServiceAccount: --require-service-account
secretDigests: --secret-digests
mirrorExternalId: --mirror-external-id
serveProviderHttp: --serve-provider-http
providerHttpLease: --provider-http-lease
serveNamespace: --serve-namespace
serveSecretNamespace: --serve-secret-namespace
leaderElect: --leader-elect
leaseNamespace: --lease-namespace
leaseName: --lease-name
slots: --slots
leaseDuration: --lease-duration
renewDeadline: --renew-deadline
retryPeriod: --retry-period
watchIdleTimeout: --watch-idle-timeout
journal: --journal
apiConnections: --api-connections
egressDefault: --egress-default
nat64Prefix: --nat64-prefix
clusterDomain: --cluster-domain
metricsAddress: --metrics-address
healthAddress: --health-address
adminAddress: --admin-address
concurrency: --concurrency
maxResponseBytes: --max-response-bytes
minResponseRate: --min-response-rate
maxInFlightPerReconcile: --max-in-flight-per-reconcile
maxExchangesPerReconcile: --max-exchanges-per-reconcile
maxInFlightPerOrigin: --max-in-flight-per-origin
metricsSeries: --metrics-series
expressionTimeout: --expression-timeout
nativeExpressions: --native-expressions
reconcileTimeout: --reconcile-timeout
shutdownTimeout: --shutdown-timeout
connectionsPerOrigin: --connections-per-origin
maxClients: --max-clients
clientIdleTimeout: --client-idle-timeout
clientIsolation: --client-isolation
keepAliveTimeout: --keep-alive-timeout
keepAliveMaxTimeout: --keep-alive-max-timeout
logLevel: --log-level
logFormat: --log-format
{{- end }}
{{- define "holdfast.canBeOff" -}}
flags:
  - serveProviderHttp
  - adminAddress
{{- end }}
{{- define "holdfast.kinds" -}}
namespaced:
  - httprequests
  - httpresources
  - httpendpoints
cluster:
  - clusterhttpendpoints
  - egresspolicies
{{- end }}
