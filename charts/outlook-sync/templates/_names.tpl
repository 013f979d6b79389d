{{/* Names, labels and images. Of a release named outlook-sync the names are those of config/rbac/. */}}

{{- define "outlook-sync.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "outlook-sync.fullname" -}}
{{- $name := include "outlook-sync.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Of a pod's labels those by which it is found. Takes root and component. */}}
{{- define "outlook-sync.selectorLabels" -}}
app.kubernetes.io/name: {{ include "outlook-sync.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Takes root, component, and own: labels of one object. */}}
{{- define "outlook-sync.labels" -}}
{{- $root := .root }}
{{- $labels := dict
  "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/version" (toString $root.Chart.AppVersion)
  "app.kubernetes.io/managed-by" $root.Release.Service
  "app.kubernetes.io/part-of" "outlook-sync" }}
{{- $labels = mergeOverwrite $labels $root.Values.commonLabels (.own | default dict) (include "outlook-sync.selectorLabels" . | fromYaml) }}
{{- toYaml $labels }}
{{- end }}

{{/* Takes root, and own: annotations of one object. Nothing where there are none. */}}
{{- define "outlook-sync.annotations" -}}
{{- with mergeOverwrite dict .root.Values.commonAnnotations (.own | default dict) }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{/* Name, labels and annotations of an object. Takes root, component, name, and may take namespace, labels, annotations. */}}
{{- define "outlook-sync.metadata" -}}
name: {{ .name }}
{{- with .namespace }}
namespace: {{ . }}
{{- end }}
labels:
  {{- include "outlook-sync.labels" (dict "root" .root "component" .component "own" .labels) | nindent 2 }}
{{- with include "outlook-sync.annotations" (dict "root" .root "own" .annotations) }}
annotations:
  {{- . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "outlook-sync.image" -}}
{{- $image := .Values.image }}
{{- if $image.digest }}
{{- printf "%s@%s" $image.repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $image.repository ($image.tag | default .Chart.AppVersion) }}
{{- end }}
{{- end }}

{{/* Takes root and component. */}}
{{- define "outlook-sync.serviceAccount" -}}
{{- $account := (index .root.Values .component).serviceAccount }}
{{- $account.name | default (printf "%s-%s" (include "outlook-sync.fullname" .root) .component) }}
{{- end }}

{{- define "outlook-sync.leaseName" -}}
{{ include "outlook-sync.fullname" . }}-operator
{{- end }}

{{/* Namespaces that the chart prepares for jobs, as YAML below the key `all`. */}}
{{- define "outlook-sync.jobNamespaces" -}}
{{- $watched := .Values.watchNamespaces | default (list .Release.Namespace) }}
{{- dict "all" (.Values.jobs.namespaces | default $watched | uniq) | toYaml }}
{{- end }}

{{/* Where Microsoft reaches the webhook, without a path; nothing where that is not said. */}}
{{- define "outlook-sync.publicUrl" -}}
{{- $webhook := .Values.webhook }}
{{- if $webhook.publicUrl }}
{{- $webhook.publicUrl }}
{{- else if and $webhook.ingress.enabled $webhook.ingress.host }}
{{- printf "https://%s" $webhook.ingress.host }}
{{- else if and $webhook.httpRoute.enabled $webhook.httpRoute.hostnames }}
{{- printf "https://%s" (first $webhook.httpRoute.hostnames) }}
{{- end }}
{{- end }}

{{/* Its host, without the port. */}}
{{- define "outlook-sync.publicHost" -}}
{{- with include "outlook-sync.publicUrl" . }}
{{- (urlParse .).host | splitList ":" | first }}
{{- end }}
{{- end }}
