//! What a declaration finds in an object.

use serde_json::value::RawValue;

use super::{At, ChartAt, ConfigAt, Declaration, Holds, ITEMS, MAX_CONFIGS, PartAt, ReleaseAt};
use crate::carrier::carried::name_of;
use crate::carrier::dig::{dig_at, dig_list, dig_str_at};
use crate::carrier::ownership::{is_tracked, is_tracked_after_helm};
use crate::carrier::set::{set_list, set_map};
use crate::carrier::{Carried, Content, EditAt, Held, Part, Reference, Release, Seen};
use crate::values::{Budget, Path};
use crate::vcluster::{ChartSource, Distro, Reading};

/// Where vCluster's pod writes down the distro that it runs (charts 0.20 to 0.32).
const TOLD_DISTRO: [&str; 3] = ["metadata", "annotations", "vcluster.loft.sh/distro"];

impl Declaration {
    /// The configs in an object; none if it is another object with such a name, or deploys
    /// another chart.
    pub(in crate::carrier) fn configs<'a>(&self, object: &'a RawValue, seen: Seen<'_>) -> Held<'a> {
        let name = name_of(object);
        let Some(name) = name.strip_prefix(&*self.name_prefix) else {
            return Held::default();
        };
        let mut held = Held::default();
        for config in &self.configs {
            let room = MAX_CONFIGS - held.configs.len().min(MAX_CONFIGS);
            let (roots, more) = config.root.find(object, room);
            held.more |= more;
            let about = About {
                declaration: self,
                name,
                seen,
                said: config.said(|at| match at {
                    At::Object(path) => dig_at(object, path),
                    At::Config(_) => None,
                }),
                told_distro: dig_str_at(object, &Path::keys(TOLD_DISTRO))
                    .and_then(|key| Distro::from_key(&key))
                    .filter(|_| self.reading == Reading::Pod),
                is_tracked: match self.reading {
                    Reading::Helm => is_tracked(object),
                    Reading::Pod | Reading::Rendered => is_tracked_after_helm(object),
                },
            };
            for (at, root) in roots {
                held.configs.extend(config.carried(&about, &at, root));
            }
        }
        held
    }
}

/// What is known of all configs of an object: looked up once, however many there are.
struct About<'d, 'a> {
    declaration: &'d Declaration,
    name: &'d str,
    seen: Seen<'d>,
    said: Said<'a>,
    told_distro: Option<Distro>,
    is_tracked: bool,
}

/// What is said about chart and release, in the order of [`ConfigAt::says`].
type Said<'a> = [Option<&'a RawValue>; 7];

impl ConfigAt {
    fn says(&self) -> [Option<&At>; 7] {
        let ChartAt {
            name: chart,
            over,
            names: _,
            is_vcluster_by_default: _,
            version,
        } = &self.chart;
        let ReleaseAt {
            cluster,
            namespace,
            name,
            item,
        } = &self.release;
        [
            over.as_ref(),
            chart.as_ref(),
            version.as_ref().map(|(at, _)| at),
            cluster.as_ref(),
            namespace.as_ref(),
            name.as_ref(),
            item.as_ref(),
        ]
    }

    fn said<'a>(&self, dig: impl Fn(&At) -> Option<&'a RawValue>) -> Said<'a> {
        self.says().map(|at| dig(at?))
    }

    fn carried<'a>(
        &self,
        about: &About<'_, 'a>,
        at: &Path,
        root: &'a RawValue,
    ) -> Option<Carried<'a>> {
        let of_config = self.said(|at| match at {
            At::Config(path) => dig_at(root, path),
            At::Object(_) => None,
        });
        let mut said = about.said;
        for (all, own) in said.iter_mut().zip(of_config) {
            *all = all.or(own);
        }
        let text = |raw: Option<&'a RawValue>| {
            let text = dig_str_at(raw?, &Path::root())?;
            (!text.is_empty()).then(|| text.into_owned())
        };
        let [over, chart_at, version_at, cluster, namespace, name, item] = said;
        let (chart_name, version) = (text(chart_at), text(version_at));
        let is_given = chart_name.is_some() || version.is_some();
        let chart = match text(over) {
            // what no address names, only the values can tell of
            Some(address) if !address.contains("://") => ChartSource::default(),
            Some(address) => self.chart.source(Some(&address), None)?,
            None => self
                .chart
                .source(chart_name.as_deref(), version.as_deref())?,
        };
        let parts = self.parts(at, root, about.seen.budget);
        let nothing = parts.iter().all(Part::is_missing) && !is_given;
        let known = about.seen.known;
        let lost = known && parts.iter().any(Part::is_missing);
        if (nothing && !lost) || !chart.may_be_vcluster() {
            return None;
        }
        let item = text(item);
        let release = Release {
            cluster: text(cluster),
            namespace: text(namespace).unwrap_or_else(|| about.seen.namespace.to_owned()),
            name: text(name).unwrap_or_else(|| about.name.to_owned()),
            item: item.clone(),
        };
        let edit_at = self.edit_at(at, root, &parts, about.is_tracked);
        let Declaration {
            reading,
            is_template,
            completeness,
            ..
        } = about.declaration;
        let mut carried = Carried {
            record_key: match item {
                Some(item) => item,
                None if self.root.has_lists() => release.name.clone(),
                None => String::new(),
            },
            edit_at,
            reading: *reading,
            is_template: *is_template,
            completeness: *completeness,
            told_distro: about.told_distro,
            renders_on: self.renders_on(at, root),
            pieces: self.pieces(root).chain(said).collect(),
            ..Carried::new(release, chart, parts, about.seen.budget)
        };
        // where the chart is not named, the values have to tell
        let known = known || carried.chart.name.is_some() || carried.looks_like_vcluster();
        carried
            .chart
            .name
            .get_or_insert_with(|| "vcluster".to_owned());
        known.then_some(carried)
    }

    fn parts<'a>(&self, at: &Path, root: &'a RawValue, budget: &Budget) -> Vec<Part<'a>> {
        let mut parts: Vec<Part<'a>> = Vec::new();
        for PartAt { at: below, holds } in &self.parts {
            let raw = dig_at(root, below);
            let at = at.join(below);
            let elsewhere = |at| Part {
                at,
                content: Content::Elsewhere(match (holds, raw) {
                    // what others have is not written here
                    (Holds::Base, _) | (_, None) => Reference::default(),
                    (_, Some(raw)) => Reference::to(raw),
                }),
            };
            match (*holds, raw) {
                (Holds::Values(encoding) | Holds::RequiredValues(encoding), Some(raw)) => {
                    let content = match parts.iter().find(|other| other.has_values()) {
                        Some(other) if self.exclusive => Content::Excluded(other.at.clone()),
                        _ => Content::Values(encoding, raw),
                    };
                    parts.push(Part { at, content });
                }
                (Holds::RequiredValues(_), None) => {
                    parts.push(Part {
                        at,
                        content: Content::Missing,
                    });
                }
                // an empty reference is none
                (Holds::References, Some(raw)) if ["\"\"", "[]", "{}"].contains(&raw.get()) => {}
                (Holds::Base, _) | (Holds::References, Some(_)) => parts.push(elsewhere(at)),
                (Holds::Overrides(key), Some(raw)) => {
                    let targets = dig_list(raw, &[], ITEMS + 1).unwrap_or_default();
                    let brings = |target: &&RawValue| dig_at(target, &Path::keys([key])).is_some();
                    if targets.len() > ITEMS || targets.iter().any(brings) {
                        parts.push(elsewhere(at));
                    }
                }
                (Holds::SetMap, Some(raw)) => parts.extend(set_map(&at, raw, budget)),
                (Holds::SetList, Some(raw)) => parts.extend(set_list(&at, raw, budget)),
                (Holds::Rendered, _)
                | (
                    Holds::Values(_)
                    | Holds::References
                    | Holds::Overrides(_)
                    | Holds::SetMap
                    | Holds::SetList,
                    None,
                ) => {}
            }
        }
        parts
    }

    /// The first part that changes what Helm rendered; an empty one changes nothing.
    fn renders_on(&self, at: &Path, root: &RawValue) -> Option<Path> {
        let parts = self.parts.iter();
        let mut rendered = parts.filter(|part| part.holds == Holds::Rendered);
        let found = rendered.find(|part| {
            let raw = dig_at(root, &part.at);
            raw.is_some_and(|raw| !["[]", "{}"].contains(&raw.get()))
        });
        found.map(|part| at.join(&part.at))
    }

    /// The uppermost part that holds values, or the one to begin with.
    fn edit_at<'a>(
        &self,
        at: &Path,
        root: &'a RawValue,
        parts: &[Part<'_>],
        is_tracked: bool,
    ) -> Option<EditAt<'a>> {
        let begin = self.edit.as_ref()?;
        let Holds::Values(new) = begin.holds else {
            return None;
        };
        let present = parts.iter().rev().find_map(|part| match part.content {
            Content::Values(encoding, _) => Some((part.at.clone(), encoding)),
            _ => None,
        });
        let (part, encoding) = present.unwrap_or_else(|| (at.join(&begin.at), new));
        // values are begun where there is a place for them
        dig_at(root, &part.parent().below(at)?)?;
        Some(EditAt {
            at: part,
            within: (at.clone(), root),
            encoding,
            // Argo CD would put its text back, and we ours, for ever
            suggest: encoding.is_text() && is_tracked,
        })
    }

    /// Everything of a config that has a say in it, besides values that are kept as text, and
    /// chart and release.
    fn pieces<'a>(&self, root: &'a RawValue) -> impl Iterator<Item = Option<&'a RawValue>> {
        let parts = self.parts.iter().filter(|part| match part.holds {
            Holds::Values(encoding) | Holds::RequiredValues(encoding) => !encoding.is_text(),
            Holds::References
            | Holds::Base
            | Holds::Rendered
            | Holds::Overrides(_)
            | Holds::SetMap
            | Holds::SetList => true,
        });
        parts.map(|part| dig_at(root, &part.at))
    }
}

impl ChartAt {
    /// The chart; `None` if its name is none that counts.
    fn source(&self, name: Option<&str>, version: Option<&str>) -> Option<ChartSource> {
        let Self {
            name: _,
            over: _,
            names,
            is_vcluster_by_default,
            version: at,
        } = self;
        let before = at.as_ref().map_or("", |(_, before)| before);
        let version = version.and_then(|text| text.strip_prefix(before).map(unsanitise));
        let default = is_vcluster_by_default.then_some("vcluster");
        let name = match (name, names) {
            (Some(name), Some(names)) if names.matches(name) => Some("vcluster"),
            (Some(_), Some(_)) => return None,
            (name, _) => name.or(default),
        };
        Some(ChartSource::named(name, version.as_deref()))
    }
}

/// A label cannot hold the `+` before build metadata; the chart writes `_` instead.
fn unsanitise(version: &str) -> String {
    version.replacen('_', "+", 1)
}
