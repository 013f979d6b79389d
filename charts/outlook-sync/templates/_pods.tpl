{{/* What the pods of all programs have in common. */}}

{{/* Labels and annotations of a pod. Takes root, component, and values: those of the program. */}}
{{- define "outlook-sync.podMetadata" -}}
labels:
  {{- include "outlook-sync.labels" (dict "root" .root "component" .component "own" .values.podLabels) | nindent 2 }}
{{- with include "outlook-sync.annotations" (dict "root" .root "own" (mergeOverwrite dict (.annotations | default dict) (.values.podAnnotations | default dict))) }}
annotations:
  {{- . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Where a pod runs, and with what rights on its node. Takes root, component, values. */}}
{{- define "outlook-sync.podSettings" -}}
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .values.podSecurityContext | nindent 2 }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .values.topologySpreadConstraints }}
{{- $selector := dict "labelSelector" (dict "matchLabels" (include "outlook-sync.selectorLabels" . | fromYaml)) }}
{{- $all := list }}
{{- range .values.topologySpreadConstraints }}{{ $all = append $all (mergeOverwrite (deepCopy $selector) .) }}{{ end }}
topologySpreadConstraints:
  {{- toYaml $all | nindent 2 }}
{{- end }}
{{- end }}

{{/* Image and security of a container, and what it is started with. Takes root, program, values. */}}
{{- define "outlook-sync.container" -}}
image: {{ include "outlook-sync.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
command:
  - node
  {{- range .values.extraArgs }}
  - {{ . | quote }}
  {{- end }}
  - /app/{{ .program }}.js
{{- with .values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Variables, each once: `extra` wins. Empty ones are left out. Takes plain: a dict; references: a list; extra: a list. */}}
{{- define "outlook-sync.env" -}}
{{- $taken := list }}
{{- $all := list }}
{{- range .extra }}{{ $taken = append $taken .name }}{{ end }}
{{- range $name := keys .plain | sortAlpha }}
{{- $value := index $.plain $name | toString }}
{{- if and (ne $value "") (not (has $name $taken)) }}
{{- /* Kubernetes would put another variable in the place of $(NAME). */}}
{{- $all = append $all (dict "name" $name "value" ($value | replace "$" "$$")) }}
{{- end }}
{{- end }}
{{- range .references }}
{{- if not (has .name $taken) }}{{ $all = append $all . }}{{ end }}
{{- end }}
{{- concat $all (.extra | default list) | toYaml }}
{{- end }}

{{/* A probe with its request. Takes probe, path, port. */}}
{{- define "outlook-sync.probe" -}}
{{- mergeOverwrite (dict "httpGet" (dict "path" .path "port" .port)) .probe | toYaml }}
{{- end }}
