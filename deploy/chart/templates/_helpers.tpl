{{/* What Pods of the server are selected by. */}}
{{- define "distrogate.selector" -}}
app.kubernetes.io/name: distrogate
{{- end }}

{{/* What every object is labelled with. */}}
{{- define "distrogate.labels" -}}
app.kubernetes.io/part-of: distrogate
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "distrogate.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Nobody's user, nothing to gain. */}}
{{- define "distrogate.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "distrogate.securityContext" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* A kind's resource, as `distrogate manifests` names it. */}}
{{- define "distrogate.plural" -}}
{{- $kind := lower . -}}
{{- if regexMatch "(s|x|ch|sh)$" $kind -}}
{{ $kind }}es
{{- else if regexMatch "([^aeiou]|^)y$" $kind -}}
{{ trimSuffix "y" $kind }}ies
{{- else -}}
{{ $kind }}s
{{- end -}}
{{- end }}

{{/* Rules for the carriers that policies declare; `mutated` leaves out those that get no defaults. */}}
{{- define "distrogate.customRules" -}}
{{- $rules := list -}}
{{- range .policies -}}
{{- range (dig "spec" "customCarriers" list .) -}}
{{- if not (and $.mutated (eq (toString (dig "defaults" true .)) "false")) -}}
{{- $resources := list -}}
{{- range .kinds -}}
{{- if has . (list "ConfigMap" "Secret" "Deployment" "StatefulSet") -}}
{{- fail (printf "policies: customCarriers: %s is of the kinds that every namespace depends on, and not all of it may come here: put the label distrogate.io/values on the objects instead, in a ConfigMap or Secret" .) -}}
{{- end -}}
{{- $resources = append $resources (include "distrogate.plural" .) -}}
{{- end -}}
{{- $rules = append $rules (dict "apiGroups" (list .group) "apiVersions" (list "*") "operations" (list "CREATE" "UPDATE") "resources" $resources "scope" "*") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $rules -}}
{{- end }}
