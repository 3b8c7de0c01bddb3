{{/* What of vCluster's chart decides the distro and its images. What differs between the charts
stands in the annotations that the test writes into Chart.yaml:
  distros  those of which only one may be enabled; empty: nobody looks
  layout   split: k8s has an image per component; combined: it has one
  tag      split: the tag that counts as not set
  host     split: whether the host's version stands in for that tag
  full     combined: never, imported or always: when private nodes take the full image
As in vCluster's chart, a map that is not there fails where something is looked up in it. Hence the
long paths: Go's templates forgive that in a variable, or in what a function returns. */}}

{{- define "distro" -}}
{{- $known := splitList "," .Chart.Annotations.distros -}}
{{- $enabled := list -}}
{{- if and (has "k3s" $known) .Values.controlPlane.distro.k3s.enabled -}}
{{- $enabled = append $enabled "k3s" -}}
{{- end -}}
{{- if and (has "k0s" $known) .Values.controlPlane.distro.k0s.enabled -}}
{{- $enabled = append $enabled "k0s" -}}
{{- end -}}
{{- if and (has "k8s" $known) .Values.controlPlane.distro.k8s.enabled -}}
{{- $enabled = append $enabled "k8s" -}}
{{- end -}}
{{- if gt (len $enabled) 1 -}}
{{- fail "you can only enable one distro at the same time" -}}
{{- end -}}
{{- first $enabled | default "k8s" -}}
{{- end -}}

{{/* Of an image block, with its tag. */}}
{{- define "image" -}}
{{- with .root.Values.controlPlane.advanced.defaultImageRegistry | default .image.registry -}}
{{ . }}/
{{- end -}}
{{ .image.repository }}:{{ .tag }}
{{- end -}}

{{/* Of one component of k8s. */}}
{{- define "component" -}}
{{- $chart := .root.Chart.Annotations -}}
{{- $version := .root.Values.controlPlane.distro.k8s.version -}}
{{- $tag := .component.image.tag -}}
{{- if eq $tag $chart.tag -}}
{{- if $version -}}
{{- $tag = $version -}}
{{- else if eq $chart.host "true" -}}
{{- $tag = regexFind "^v[0-9]+\\.[0-9]+\\.[0-9]+" .root.Capabilities.KubeVersion.Version -}}
{{- end -}}
{{- end -}}
{{ include "image" (dict "root" .root "image" .component.image "tag" $tag) }}
{{- end -}}

{{/* Of all of k8s. */}}
{{- define "combined" -}}
{{- $full := "" -}}
{{- if ne .Chart.Annotations.full "never" -}}
{{- $always := eq .Chart.Annotations.full "always" -}}
{{- if and .Values.privateNodes.enabled (or $always .Values.privateNodes.importNodeBinaries) -}}
{{- $full = "-full" -}}
{{- end -}}
{{- end -}}
{{- $tag := .Values.controlPlane.distro.k8s.version | default .Values.controlPlane.distro.k8s.image.tag -}}
{{ include "image" (dict "root" . "image" .Values.controlPlane.distro.k8s.image "tag" $tag) }}{{ $full }}
{{- end -}}
