{{/* Which Secrets there are, and what is in them. Without a cluster (helm template), nothing can be looked up. */}}

{{/* Not empty where there is a cluster to look at. */}}
{{- define "outlook-sync.connected" -}}
{{- $namespace := ternary "kube-system" .Release.Namespace (or .Values.rbac.create .Values.crds.enabled) }}
{{- if lookup "v1" "Namespace" "" $namespace }}yes{{ end }}
{{- end }}

{{/* The Secret for one of postgres, oauth, encryption and push; those that the chart makes come last. Takes root and part. */}}
{{- define "outlook-sync.secretOf" -}}
{{- $given := (index .root.Values .part).existingSecret | default .root.Values.existingSecret }}
{{- if $given }}
{{- $given }}
{{- else if has .part (list "encryption" "push") }}
{{- printf "%s-%s" (include "outlook-sync.fullname" .root) .part }}
{{- end }}
{{- end }}

{{/* Not empty where the chart makes the Secret. Takes root and part. */}}
{{- define "outlook-sync.generates" -}}
{{- if not ((index .root.Values .part).existingSecret | default .root.Values.existingSecret) }}
{{- if or (eq .part "encryption") (and (eq .part "push") .root.Values.webhook.enabled) }}yes{{ end }}
{{- end }}
{{- end }}

{{/* The variables of the jobs' Secret: part and key that each comes from. */}}
{{- define "outlook-sync.sources" -}}
DATABASE_URL: { part: postgres, key: {{ .Values.postgres.urlKey | quote }} }
OUTLOOK_CLIENT_ID: { part: oauth, key: {{ .Values.oauth.clientIdKey | quote }} }
OUTLOOK_CLIENT_SECRET: { part: oauth, key: {{ .Values.oauth.clientSecretKey | quote }} }
OUTLOOK_TOKEN_ENCRYPTION_KEYS: { part: encryption, key: {{ .Values.encryption.keysKey | quote }} }
{{- if .Values.webhook.enabled }}
OUTLOOK_PUSH_WEBHOOK_TOKEN: { part: push, key: {{ .Values.push.tokenKey | quote }} }
OUTLOOK_PUSH_CLIENT_STATE_SECRET: { part: push, key: {{ .Values.push.clientStateKey | quote }} }
{{- end }}
{{- end }}
