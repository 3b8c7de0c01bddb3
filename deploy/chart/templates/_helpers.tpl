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

{{/* Not empty where the servers make their own certificates. */}}
{{- define "distrogate.selfManaged" -}}
{{- if eq .Values.certificates.mode "self-managed" }}yes{{ end -}}
{{- end }}

{{/* Not empty where the server has something to ask at the API server. */}}
{{- define "distrogate.asks" -}}
{{- if or (include "distrogate.selfManaged" .) .Values.watchLive .Values.watchNamespaces .Values.watchHostVersion }}yes{{ end -}}
{{- end }}

{{/* Where Pods may run, and what they are pulled with. */}}
{{- define "distrogate.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* A role bound to the service account of the same name; `namespace` is empty for all of them. */}}
{{- define "distrogate.role" -}}
{{- $prefix := ternary "" "Cluster" (ne .namespace "") -}}
{{- range $kind := list (printf "%sRole" $prefix) (printf "%sRoleBinding" $prefix) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ $.name }}
  {{- with $.namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    app.kubernetes.io/name: distrogate
    {{- include "distrogate.labels" $.root | nindent 4 }}
  {{- with $.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- if hasSuffix "Binding" $kind }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $prefix }}Role
  name: {{ $.name }}
subjects:
  - kind: ServiceAccount
    name: {{ $.account }}
    namespace: {{ $.root.Release.Namespace }}
{{- else }}
rules:
  {{- toYaml $.rules | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}
