{{/* How metrics are read. Their label `namespace` is the provider's, which Prometheus would otherwise rename. */}}
{{- define "outlook-sync.scrape" -}}
path: /metrics
interval: {{ .interval }}
scrapeTimeout: {{ .scrapeTimeout }}
honorLabels: true
{{- end }}
