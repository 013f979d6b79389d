{{/* Roles and bindings. Their rules are those of config/rbac/, by way of files/rules.yaml. */}}

{{/* The rules of one role, with the names of this release. Takes root and role: its name in config/rbac/. */}}
{{- define "outlook-sync.rules" -}}
{{- $rules := index (.root.Files.Get "files/rules.yaml" | fromYaml) .role | required (printf "files/rules.yaml has no role %s" .role) }}
{{- $kept := list }}
{{- range $rules }}
{{- $isJobAccess := or (has "serviceaccounts" .resources) (has "rolebindings" .resources) (has "clusterroles" .resources) }}
{{- if or $.root.Values.jobs.manageAccess (not $isJobAccess) }}
{{- $kept = append $kept . }}
{{- end }}
{{- end }}
{{- toYaml $kept | replace "outlook-sync-" (printf "%s-" (include "outlook-sync.fullname" .root)) }}
{{- end }}

{{/* Takes root, kind, role: its name in config/rbac/, and may take namespace, labels. */}}
{{- define "outlook-sync.role" -}}
{{- $name := .role | replace "outlook-sync-" (printf "%s-" (include "outlook-sync.fullname" .root)) }}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}
metadata:
  {{- include "outlook-sync.metadata" (dict "root" .root "component" "access" "name" $name "namespace" .namespace "labels" .labels) | nindent 2 }}
rules:
  {{- include "outlook-sync.rules" . | nindent 2 }}
{{- end }}

{{/* Binds a role to operator or webhook. Takes root, kind: that of the role, role, component, and may take namespace, annotations. */}}
{{- define "outlook-sync.binding" -}}
{{- $name := .role | replace "outlook-sync-" (printf "%s-" (include "outlook-sync.fullname" .root)) }}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ ternary "RoleBinding" "ClusterRoleBinding" (hasKey . "namespace") }}
metadata:
  {{- include "outlook-sync.metadata" (dict "root" .root "component" "access" "name" $name "namespace" .namespace "annotations" .annotations) | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "outlook-sync.serviceAccount" (dict "root" .root "component" .component) }}
    namespace: {{ .root.Release.Namespace }}
{{- end }}

{{/* Marks the one binding of a release that is there in any case and belongs to no namespace: others look for it. */}}
{{- define "outlook-sync.claim" -}}
outlooksync.dev/watch-namespaces: {{ join "," .Values.watchNamespaces | default "*" | quote }}
{{- end }}
