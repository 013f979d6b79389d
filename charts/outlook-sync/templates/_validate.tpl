{{/* Everything that is wrong with the values and no schema can tell, all at once; each says how to mend it. */}}

{{- define "outlook-sync.validate" -}}
{{- $problems := concat (include "outlook-sync.problemsOfValues" . | fromYaml).all (include "outlook-sync.problemsOfSecrets" . | fromYaml).all (include "outlook-sync.problemsOfOverlap" . | fromYaml).all }}
{{- if $problems }}
{{- fail (printf "\n\noutlook-sync cannot be installed like this:\n\n- %s\n" (join "\n- " $problems)) }}
{{- end }}
{{- end }}

{{- define "outlook-sync.problemsOfValues" -}}
{{- $problems := list }}
{{- $webhook := .Values.webhook }}
{{- if not .Values.image.repository }}
{{- $problems = append $problems "image.repository is missing: build the image and say where it is, with --set image.repository=registry.example/outlook-sync" }}
{{- end }}
{{- if not (include "outlook-sync.secretOf" (dict "root" . "part" "postgres")) }}
{{- $problems = append $problems (printf "postgres.existingSecret is missing: make a Secret with the URL of the database (kubectl create secret generic inbox-database --namespace %s --from-literal=%s=postgres://…) and name it, with --set postgres.existingSecret=inbox-database" .Release.Namespace .Values.postgres.urlKey) }}
{{- end }}
{{- if and .Values.jobs.secret.create (not (include "outlook-sync.secretOf" (dict "root" . "part" "oauth"))) }}
{{- $problems = append $problems (printf "oauth.existingSecret is missing: make a Secret with the app that is registered with Microsoft (kubectl create secret generic outlook-app --namespace %s --from-literal=%s=… --from-literal=%s=…) and name it, with --set oauth.existingSecret=outlook-app; or set jobs.secret.create=false and make the Secret %s of each namespace yourself" .Release.Namespace .Values.oauth.clientIdKey .Values.oauth.clientSecretKey .Values.jobs.secret.name) }}
{{- end }}
{{- if and $webhook.enabled (not (include "outlook-sync.publicUrl" .)) }}
{{- $problems = append $problems "webhook.publicUrl is missing: webhook.enabled needs the address at which Microsoft reaches the webhook, with --set webhook.publicUrl=https://outlook.example.com, or by webhook.ingress.host or webhook.httpRoute.hostnames" }}
{{- end }}
{{- range $way := list "ingress" "httpRoute" "autoscaling" }}
{{- if and (index $webhook $way).enabled (not $webhook.enabled) }}
{{- $problems = append $problems (printf "webhook.%s.enabled is set, but webhook.enabled is not: there would be nothing behind it; set webhook.enabled=true" $way) }}
{{- end }}
{{- end }}
{{- if and $webhook.httpRoute.enabled (not $webhook.httpRoute.parentRefs) }}
{{- $problems = append $problems "webhook.httpRoute.parentRefs is missing: name the Gateway, with --set 'webhook.httpRoute.parentRefs[0].name=public'" }}
{{- end }}
{{- if and $webhook.autoscaling.enabled (gt (int $webhook.autoscaling.minReplicas) (int $webhook.autoscaling.maxReplicas)) }}
{{- $problems = append $problems (printf "webhook.autoscaling.minReplicas is %d, more than webhook.autoscaling.maxReplicas of %d" (int $webhook.autoscaling.minReplicas) (int $webhook.autoscaling.maxReplicas)) }}
{{- end }}
{{- if le (int $webhook.terminationGracePeriodSeconds) (int $webhook.preStopSeconds) }}
{{- $problems = append $problems (printf "webhook.terminationGracePeriodSeconds is %d, which webhook.preStopSeconds of %d uses up: a pod would be killed with requests in hand" (int $webhook.terminationGracePeriodSeconds) (int $webhook.preStopSeconds)) }}
{{- end }}
{{- with .Values.operator.leaderElection }}
{{- if le (int .leaseDurationSeconds) (int .renewDeadlineSeconds) }}
{{- $problems = append $problems (printf "operator.leaderElection.renewDeadlineSeconds is %d, not shorter than leaseDurationSeconds of %d" (int .renewDeadlineSeconds) (int .leaseDurationSeconds)) }}
{{- end }}
{{- if le (int .renewDeadlineSeconds) (int .retryPeriodSeconds) }}
{{- $problems = append $problems (printf "operator.leaderElection.retryPeriodSeconds is %d, not shorter than renewDeadlineSeconds of %d" (int .retryPeriodSeconds) (int .renewDeadlineSeconds)) }}
{{- end }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled }}
{{- $problems = append $problems "serviceMonitor.enabled and podMonitor.enabled are both set: everything would be read twice; unset one" }}
{{- end }}
{{- if .Values.watchNamespaces }}
{{- range $namespace := .Values.jobs.namespaces }}
{{- if not (has $namespace $.Values.watchNamespaces) }}
{{- $problems = append $problems (printf "jobs.namespaces names %s, which is none of watchNamespaces: no job would ever run there" $namespace) }}
{{- end }}
{{- end }}
{{- end }}
{{- if .Values.jobs.secret.create }}
{{- $names := list }}
{{- range $part := list "postgres" "oauth" "encryption" "push" }}
{{- if or (ne $part "push") $webhook.enabled }}
{{- $names = append $names (include "outlook-sync.secretOf" (dict "root" $ "part" $part)) }}
{{- end }}
{{- end }}
{{- $isInPlace := and (has .Values.jobs.secret.name $names) (has .Release.Namespace (include "outlook-sync.jobNamespaces" . | fromYaml).all) }}
{{- if and $isInPlace (gt (len ($names | uniq)) 1) }}
{{- $problems = append $problems (printf "jobs.secret.name is %s, which is a Secret of yours with a part of what jobs need: the chart would have to change it. Give yours another name; or put everything into it and set existingSecret=%s alone" .Values.jobs.secret.name .Values.jobs.secret.name) }}
{{- end }}
{{- end }}
{{- dict "all" $problems | toYaml }}
{{- end }}

{{- define "outlook-sync.problemsOfSecrets" -}}
{{- $problems := list }}
{{- if and .Values.checkSecrets (include "outlook-sync.connected" .) }}
{{- range $variable, $source := include "outlook-sync.sources" . | fromYaml }}
{{- $name := include "outlook-sync.secretOf" (dict "root" $ "part" $source.part) }}
{{- $isOurs := include "outlook-sync.generates" (dict "root" $ "part" $source.part) }}
{{- $isAsked := or $.Values.jobs.secret.create (has $source.part (list "postgres" "push")) }}
{{- if and $name $isAsked }}
{{- $secret := lookup "v1" "Secret" $.Release.Namespace $name }}
{{- if and (not $secret) (not $isOurs) }}
{{- $problems = append $problems (printf "%s.existingSecret names the Secret %s, which is not there: kubectl create secret generic %s --namespace %s --from-literal=%s=… (checkSecrets=false for one that comes later)" $source.part $name $name $.Release.Namespace $source.key) }}
{{- else if and $secret (not (hasKey ($secret.data | default dict) $source.key)) }}
{{- $problems = append $problems (printf "the Secret %s of namespace %s lacks the key %s, for %s: add it, or name another key or Secret in the section %s" $name $.Release.Namespace $source.key $variable $source.part) }}
{{- end }}
{{- end }}
{{- end }}
{{- if .Values.jobs.secret.create }}
{{- $source := include "outlook-sync.secretOf" (dict "root" . "part" "postgres") }}
{{- range $namespace := (include "outlook-sync.jobNamespaces" . | fromYaml).all }}
{{- $there := lookup "v1" "Secret" $namespace $.Values.jobs.secret.name }}
{{- $isSource := and (eq $namespace $.Release.Namespace) (eq $source $.Values.jobs.secret.name) }}
{{- if and $there (not $isSource) (not (include "outlook-sync.isOurs" (dict "root" $ "object" $there))) }}
{{- $problems = append $problems (printf "the Secret %s of namespace %s is there and is not this release's: leave it to you with jobs.secret.create=false, or delete it" $.Values.jobs.secret.name $namespace) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- dict "all" ($problems | uniq) | toYaml }}
{{- end }}

{{/* Not empty where this release has made the object. Takes root and object. */}}
{{- define "outlook-sync.isOurs" -}}
{{- $annotations := .object.metadata.annotations | default dict }}
{{- if and (eq (index $annotations "meta.helm.sh/release-name" | default "") .root.Release.Name) (eq (index $annotations "meta.helm.sh/release-namespace" | default "") .root.Release.Namespace) }}yes{{ end }}
{{- end }}

{{/* Two operators for one namespace would work against each other. */}}
{{- define "outlook-sync.problemsOfOverlap" -}}
{{- $problems := list }}
{{- if and .Values.checkOverlap .Values.rbac.create }}
{{- $mine := .Values.watchNamespaces }}
{{- range ((lookup "rbac.authorization.k8s.io/v1" "ClusterRoleBinding" "" "") | default dict).items }}
{{- $annotations := .metadata.annotations | default dict }}
{{- $theirs := index $annotations "outlooksync.dev/watch-namespaces" | default "" }}
{{- if and $theirs (not (include "outlook-sync.isOurs" (dict "root" $ "object" .))) }}
{{- $shared := list }}
{{- if and (eq $theirs "*") $mine }}
{{- $shared = $mine }}
{{- else if eq $theirs "*" }}
{{- $shared = list "all" }}
{{- else if not $mine }}
{{- $shared = splitList "," $theirs }}
{{- else }}
{{- range splitList "," $theirs }}
{{- if has . $mine }}{{ $shared = append $shared . }}{{ end }}
{{- end }}
{{- end }}
{{- if $shared }}
{{- $problems = append $problems (printf "watchNamespaces overlaps with the release %s of namespace %s (ClusterRoleBinding %s), in: %s. Two operators for one namespace work against each other: give each its own watchNamespaces (checkOverlap=false where that release is gone)" (index $annotations "meta.helm.sh/release-name" | default "?") (index $annotations "meta.helm.sh/release-namespace" | default "?") .metadata.name (join ", " $shared)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- dict "all" $problems | toYaml }}
{{- end }}
