//! Argo CD's `Application` and `ApplicationSet` (`argoproj.io`): which sources there are, where
//! they go, and what an ApplicationSet makes of them.
//!
//! Mirrors `ApplicationSpec.GetSources`: `sources` silence `source`, and a `sourceHydrator` both.
//! `operation.sync` may bring sources for one time. The templates of an ApplicationSet's
//! generators are laid over its own, field by field (`mergeGeneratorTemplate`).

mod parameters;
mod roots;
mod source;

use std::rc::Rc;

use serde_json::value::RawValue;

use self::roots::Roots;
use self::source::Destination;
use super::carried::name_of;
use super::dig::{dig, dig_list, dig_map, dig_str};
use super::ownership::is_tracked;
use super::{Carried, Held, MAX_CONFIGS, Reference, Seen};
use crate::values::{Limits, Path, is_templated, read_template, read_yaml};

/// Group and kind of an Application.
pub(super) const APPLICATION: (&str, &str) = ("argoproj.io", "Application");
/// Group and kind of an ApplicationSet.
pub(super) const APPLICATION_SET: (&str, &str) = ("argoproj.io", "ApplicationSet");

/// The configs in an Application.
pub(super) fn application<'a>(object: &'a RawValue, seen: Seen<'_>) -> Held<'a> {
    let root = Roots::of(Path::root(), object);
    let mut held = Held::default();
    let name = name_of(object);
    let destination = Destination::of(&root, &name, false, is_tracked(object));
    for source in sources(&root.below(&["spec"]), &mut held.more) {
        held.configs
            .extend(source::carried(&source, &destination, seen));
    }
    // an operation's sources count once, and are gone when it is done
    let sync = root.below(&["operation", "sync"]);
    for source in sources(&sync, &mut held.more) {
        let config = source::carried(&source, &destination, seen);
        held.configs.extend(config.map(|config| Carried {
            is_passing: true,
            edit_at: None,
            ..config
        }));
    }
    held
}

/// The configs in an ApplicationSet: of its template, and of each generator's own.
pub(super) fn application_set<'a>(object: &'a RawValue, seen: Seen<'_>) -> Held<'a> {
    let mut held = Held::default();
    let base = dig(object, &["spec", "template"]).map(|raw| (Path::dotted("spec.template"), raw));
    let (generators, more) = generator_templates(object);
    held.more = more;
    let templates =
        std::iter::once(Vec::new()).chain(generators.into_iter().map(|template| vec![template]));
    let patch = patch(object);
    let patch_text = dig(object, &["spec", "templatePatch"]);
    let is_tracked = is_tracked(object);
    let found = Rc::default();
    for template in templates {
        if held.configs.len() > MAX_CONFIGS {
            break;
        }
        let own = template.first().map(|(at, _)| at.to_string());
        let root = Roots::over(template.into_iter().chain(base.clone()), &found);
        let name = root.str(&["metadata", "name"]).unwrap_or_default();
        let mut destination = Destination::of(&root, &name, true, is_tracked);
        destination.patched_by.clone_from(&patch);
        for source in sources(&root.below(&["spec"]), &mut held.more) {
            let Some(mut config) = source::carried(&source, &destination, seen) else {
                continue;
            };
            config.is_template = true;
            // two generators make other Applications, under names that they have in common
            if let Some(own) = &own {
                config.is_over_base = true;
                config.release.item = Some(own.clone());
                config.record_key = format!("{own} {}", config.record_key);
            }
            config.pieces.push(patch_text);
            held.configs.push(config);
        }
    }
    held.more |= held.configs.len() > MAX_CONFIGS;
    held.configs.truncate(MAX_CONFIGS);
    held
}

/// The sources that count.
fn sources<'a>(spec: &Roots<'a>, more: &mut bool) -> Vec<Roots<'a>> {
    if spec.get(&["sourceHydrator"]).is_some() {
        return vec![spec.below(&["sourceHydrator", "drySource"])];
    }
    let Some((at, raw)) = spec.get(&["sources"]) else {
        return vec![spec.below(&["source"])];
    };
    let items = dig_list(raw, &[], MAX_CONFIGS + 1).unwrap_or_default();
    *more |= items.len() > MAX_CONFIGS;
    items
        .into_iter()
        .take(MAX_CONFIGS)
        .enumerate()
        .map(|(number, item)| spec.elsewhere(at.index(number), item))
        .collect()
}

/// The templates that generators bring along, and whether there are more.
fn generator_templates(object: &RawValue) -> (Vec<(Path, &RawValue)>, bool) {
    let at = Path::dotted("spec.generators");
    let generators = dig_list(object, &["spec", "generators"], MAX_CONFIGS + 1);
    let generators = generators.unwrap_or_default();
    let more = generators.len() > MAX_CONFIGS;
    let templates = generators.into_iter().take(MAX_CONFIGS).enumerate();
    let templates = templates.flat_map(|(number, generator)| {
        let at = at.index(number);
        // a generator is a map with one key: its kind
        dig_map(generator, 16)
            .into_iter()
            .filter_map(move |(kind, settings)| {
                let template = dig(settings, &["template", "spec"])
                    .and_then(|_| dig(settings, &["template"]))?;
                Some((at.key(&kind).key("template"), template))
            })
    });
    (templates.collect(), more)
}

/// A `templatePatch` that could change what is deployed, as a strategic merge patch over every
/// Application that is made.
fn patch(object: &RawValue) -> Option<(Path, Reference)> {
    const CHANGES: [&str; 4] = ["source", "sources", "sourceHydrator", "destination"];

    let text = dig_str(object, &["spec", "templatePatch"])?;
    let read = if is_templated(&text) {
        read_template(text.as_bytes(), &Limits::VALUES).ok()
    } else {
        let read = read_yaml(text.as_bytes(), &Limits::VALUES).ok();
        read.map(|document| crate::values::Templated {
            document,
            unknown: Vec::new(),
        })
    };
    let changes = read.is_none_or(|read| {
        CHANGES.iter().any(|key| {
            let path = Path::keys(["spec", key]);
            let unknown = |other: &Path| path.starts_with(other) || other.starts_with(&path);
            read.document.root.get(["spec", key]).is_some() || read.unknown.iter().any(unknown)
        })
    });
    let raw = dig(object, &["spec", "templatePatch"])?;
    changes.then(|| (Path::dotted("spec.templatePatch"), Reference::to(raw)))
}

#[cfg(test)]
mod tests;
