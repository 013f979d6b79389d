{{/* Pieces of NetworkPolicies. */}}

{{/* To look names up. */}}
{{- define "outlook-sync.egressToNames" -}}
- ports:
    - { port: 53, protocol: UDP }
    - { port: 53, protocol: TCP }
{{- end }}

{{/* Takes to: peers, and ports. */}}
{{- define "outlook-sync.egress" -}}
- ports:
    {{- range .ports }}
    - { port: {{ . }}, protocol: TCP }
    {{- end }}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* The pod of `helm test` comes in wherever somebody does. Takes root, from: peers, and port. */}}
{{- define "outlook-sync.ingress" -}}
- ports:
    - { port: {{ .port }}, protocol: TCP }
  {{- if .from }}
  from:
    {{- toYaml .from | nindent 4 }}
    - podSelector:
        matchLabels:
          {{- include "outlook-sync.selectorLabels" (dict "root" .root "component" "test") | nindent 10 }}
  {{- end }}
{{- end }}
