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

{{/* Takes from: peers, and port. */}}
{{- define "outlook-sync.ingress" -}}
- ports:
    - { port: {{ .port }}, protocol: TCP }
  {{- with .from }}
  from:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
