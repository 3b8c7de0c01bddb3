//! Distro, version, images, scheduler and store, one by one.

use super::{Fact, ImageFacts, Overruled, Rendered, Source, Why};
use crate::values::{Data, Path};
use crate::vcluster::{
    Certainty, Component, Config, Distro, Image, ImagePart, Known, KubeVersion, Lookup, Origin,
    Presence, Reading, Store,
};

/// The distro in force.
pub(super) fn distro(config: &Config<'_>) -> Fact {
    if config.chart.certainty() == Certainty::Legacy {
        return match config.chart.legacy_distro() {
            Some(distro) => Fact::known(distro.key(), Source::ChartName),
            None => Fact::unknown(Why::Legacy),
        };
    }
    let Some(distro) = config.distro() else {
        return Fact::unknown(why_no_distro(config));
    };
    let source = if config.enabled().contains(&distro) {
        source_at(config, &distro.enabled_path())
    } else {
        Source::NoneEnabled
    };
    Fact::known(distro.key(), source)
}

/// The first switch that cannot be seen hides which distro it is.
pub(super) fn why_no_distro(config: &Config<'_>) -> Why {
    let switches = Distro::ALL.iter().map(|distro| distro.enabled_path());
    let mut hidden = switches.filter(
        |path| match config.get(path.as_keys().unwrap_or_default()) {
            Lookup::Unknown(cause) => !cause.is_charts(),
            Lookup::Known(known) => !matches!(known.data, Data::Bool(_) | Data::Null),
            Lookup::Map(_) | Lookup::Absent => false,
        },
    );
    hidden
        .next()
        .map_or_else(|| Why::varies(config), |path| Why::at(config, &path))
}

/// The API server's version, which is that of its image's tag.
pub(super) fn kubernetes(config: &Config<'_>) -> Fact {
    let Some(image) = images(config).into_iter().next() else {
        return Fact::unknown(match config.distro() {
            None => why_no_distro(config),
            Some(_) => Why::varies(config),
        });
    };
    let tag = image.tag;
    let Some(value) = &tag.value else { return tag };
    match KubeVersion::parse(value) {
        Some(version) => Fact {
            value: Some(version.release().to_string().into()),
            ..tag
        },
        None => Fact::unknown(Why::NoVersion),
    }
}

/// The images of the distro in force.
pub(super) fn images(config: &Config<'_>) -> Vec<ImageFacts> {
    if config.chart.certainty() == Certainty::Legacy {
        return Vec::new();
    }
    // a workload has what it has: what it lacks is not rendered
    let is_there = |image: &Image| {
        let keys = image.path.as_keys().unwrap_or_default();
        !config.is_rendered() || config.user_presence(&keys) != Presence::Unset
    };
    let images = config.images().into_iter().filter(is_there);
    images.map(|image| image_facts(config, &image)).collect()
}

fn image_facts(config: &Config<'_>, image: &Image) -> ImageFacts {
    let default_registry = Path::dotted("controlPlane.advanced.defaultImageRegistry");
    let registry_path = image.path.key("registry");
    let why_registry = if is_hidden(config, &default_registry) {
        &default_registry
    } else {
        &registry_path
    };
    let repository_path = image.path.key("repository");
    ImageFacts {
        component: image.component,
        reference: image.reference(),
        registry: part(config, &image.registry, Some(&registry_path), || {
            Why::at(config, why_registry)
        }),
        repository: part(config, &image.repository, None, || {
            Why::at(config, &repository_path)
        }),
        tag: tag(config, image),
        suffix: suffix(config, image),
        rendered: rendered(config, image.component),
    }
}

/// A part of an image; `beside` is the path of what would decide it if nothing else did.
fn part(
    config: &Config<'_>,
    part: &ImagePart,
    beside: Option<&Path>,
    why: impl FnOnce() -> Why,
) -> Fact {
    let ImagePart::Known {
        value,
        path,
        origin,
    } = part
    else {
        return Fact::unknown(why());
    };
    Fact {
        overrules: beside
            .filter(|beside| *beside != path)
            .and_then(|beside| overruled(config, beside)),
        ..Fact::known(value.clone(), source(config, path, *origin))
    }
}

fn tag(config: &Config<'_>, image: &Image) -> Fact {
    let path = image.path.key("tag");
    let version = Path::dotted("controlPlane.distro.k8s.version");
    let is_k8s = image.component.distro() == Distro::K8s;
    let fact = part(config, &image.tag, Some(&path), || {
        if is_k8s && is_hidden(config, &version) {
            Why::at(config, &version)
        } else if is_hidden(config, &path) {
            Why::at(config, &path)
        } else if image.component.is_split() && config.follows_host() == Some(true) {
            Why::Host
        } else {
            Why::varies(config)
        }
    });
    if config.is_hosts_tag(image) {
        return Fact {
            source: Source::Host,
            overrules: overruled(config, &path),
            ..fact
        };
    }
    let decided_by_tag = matches!(&image.tag, ImagePart::Known { path: by, .. } if *by == path);
    if !decided_by_tag || !image.component.is_split() || config.is_rendered() {
        return fact;
    }
    Fact {
        overrules: overruled(config, &version),
        ..fact
    }
}

/// What private nodes add to the tag.
fn suffix(config: &Config<'_>, image: &Image) -> Option<Fact> {
    let enabled = Path::dotted("privateNodes.enabled");
    match image.suffix {
        Some("") => None,
        Some(suffix) => Some(Fact::known(suffix, source_at(config, &enabled))),
        None => {
            let binaries = Path::dotted("privateNodes.importNodeBinaries");
            let is_on = config.get(["privateNodes", "enabled"]).bool() == Some(true);
            let path = if is_on { binaries } else { enabled };
            Some(Fact::unknown(Why::at(config, &path)))
        }
    }
}

/// Up to 0.24 a component that is switched off has no container
/// (`chart/templates/_init-containers.tpl`).
fn rendered(config: &Config<'_>, component: Component) -> Rendered {
    let switch = Path::dotted(match component {
        Component::Distro(_) => return Rendered::Yes,
        Component::ApiServer => "controlPlane.distro.k8s.apiServer.enabled",
        Component::ControllerManager => "controlPlane.distro.k8s.controllerManager.enabled",
        Component::Scheduler => "controlPlane.advanced.virtualScheduler.enabled",
    });
    if config.is_rendered() {
        return Rendered::Yes;
    }
    let found = config.get(switch.as_keys().unwrap_or_default());
    match (found.bool(), found) {
        (Some(true), _) => Rendered::Yes,
        (Some(false), _) | (None, Lookup::Absent) => {
            let source = source_at(config, &switch);
            Rendered::No(switch, source)
        }
        (None, _) => {
            let why = Why::at(config, &switch);
            Rendered::Unknown(switch, why)
        }
    }
}

/// Mirrors `IsVirtualSchedulerEnabled` of vCluster's `config/config.go`; with private nodes it
/// always runs (`pkg/k8s/k8s.go`).
pub(super) fn scheduler(config: &Config<'_>) -> Fact {
    let mut switches = vec!["controlPlane.advanced.virtualScheduler.enabled"];
    let own = "controlPlane.distro.k8s.scheduler.enabled";
    let has_own = |keys: &str| {
        let mut fields = config.chart.fields();
        fields.any(|field| field.get(keys.split('.')).is_some())
    };
    if has_own(own) && !matches!(config.distro(), Some(Distro::K3s | Distro::K0s)) {
        switches.insert(0, own);
    }
    if has_own("privateNodes.enabled") || config.chart.minor_within(26..=26) == Some(true) {
        switches.push("privateNodes.enabled");
    }
    let switches: Vec<_> = switches.into_iter().map(Path::dotted).collect();
    let found = |path: &Path| config.get(path.as_keys().unwrap_or_default());
    if let Some(on) = switches
        .iter()
        .find(|path| found(path).bool() == Some(true))
    {
        return Fact::known("on", source_at(config, on));
    }
    // no chart turns one on by itself
    let hidden = switches
        .iter()
        .find(|path| matches!(found(path), Lookup::Unknown(cause) if !cause.is_charts()));
    if let Some(hidden) = hidden {
        return Fact::unknown(Why::at(config, hidden));
    }
    let written = switches.iter().find(|path| {
        let origin = found(path).origin();
        origin.is_some_and(|origin| origin != Origin::Chart)
    });
    let source = match (written, config.reading) {
        (Some(path), _) => source_at(config, path),
        (None, Reading::Helm) => Source::Chart,
        (None, Reading::Pod | Reading::Rendered) => Source::NotSet,
    };
    Fact::known("off", source)
}

/// The backing store in force.
pub(super) fn store(config: &Config<'_>) -> Fact {
    let found = |path: &Path| config.get(path.as_keys().unwrap_or_default());
    let Some(store) = config.store() else {
        let hidden = Store::ALL
            .into_iter()
            .map(Store::enabled_path)
            .find(|path| matches!(found(path), Lookup::Unknown(cause) if !cause.is_charts()));
        let why = hidden.map_or_else(|| Why::varies(config), |path| Why::at(config, &path));
        return Fact::unknown(why);
    };
    let path = store.enabled_path();
    let source = if found(&path).bool() == Some(true) {
        source_at(config, &path)
    } else {
        Source::NoneEnabled
    };
    Fact::known(store.to_string(), source)
}

/// Whether what stands at a path is neither text nor nothing.
fn is_hidden(config: &Config<'_>, path: &Path) -> bool {
    match config.get(path.as_keys().unwrap_or_default()) {
        Lookup::Known(Known { data, .. }) => !matches!(data, Data::String(_) | Data::Null),
        Lookup::Absent => false,
        Lookup::Map(_) | Lookup::Unknown(_) => true,
    }
}

/// Text that the user wrote at a path, if it is some.
fn overruled(config: &Config<'_>, path: &Path) -> Option<Overruled> {
    let found = config.get(path.as_keys()?);
    let value = found.str().filter(|text| !text.is_empty())?;
    match source(config, path, found.origin()?) {
        Source::Set(place) => Some(Overruled {
            value: value.into(),
            place,
        }),
        _ => None,
    }
}

/// Where what is in force at a path comes from.
pub(super) fn source_at(config: &Config<'_>, path: &Path) -> Source {
    let found = config.get(path.as_keys().unwrap_or_default());
    source(config, path, found.origin().unwrap_or_default())
}

/// Where a value comes from, by its origin.
pub(super) fn source(config: &Config<'_>, path: &Path, origin: Origin) -> Source {
    match origin {
        Origin::Part(layer, at) => match config.layers.get(layer) {
            Some(layer) => Source::Set(layer.place(path.clone(), at)),
            None => Source::Set(config.place(path)),
        },
        Origin::Default => Source::Policy(path.clone()),
        Origin::Chart => deleted(config, path).unwrap_or(match config.reading {
            Reading::Helm => Source::Chart,
            Reading::Pod | Reading::Rendered => Source::NotSet,
        }),
    }
}

/// A user's null, here or above, deletes what the chart has.
pub(super) fn deleted(config: &Config<'_>, path: &Path) -> Option<Source> {
    let mut at = path.clone();
    while !at.steps().is_empty() {
        if let Presence::Set(Some(known)) = config.user_presence(&at.as_keys()?)
            && let Origin::Part(layer, position) = known.origin
        {
            let layer = config.layers.get(layer)?;
            return Some(Source::Set(layer.place(at, position)));
        }
        at = at.parent();
    }
    None
}
