//! Carriers that a declaration describes: where in an object the configs are, and what of them is
//! values, chart and release.

use std::cell::OnceCell;

use serde_json::value::RawValue;

use super::dig::{dig_at, dig_list, dig_map, dig_str_at};
use super::ownership::record;
use super::{Carried, Content, EditAt, Encoding, Part, Release};
use crate::values::Path;
use crate::vcluster::{ChartSource, Distro, Reading};

/// More items of a list than anybody has: versions of a template, assignments, targets. What a
/// longer list of assignments or targets does is Unknown.
const ITEMS: usize = 4_096;

/// How many configs of one list are looked at; what stands behind them is let go. Each costs a whole
/// review, and what is written into one is read again with all the others.
const CONFIGS: usize = 64;

/// Where vCluster's pod writes down the distro that it runs (charts 0.20 to 0.32).
const TOLD_DISTRO: [&str; 3] = ["metadata", "annotations", "vcluster.loft.sh/distro"];

/// A kind of object that holds configs, described.
#[derive(Debug)]
pub struct Declaration {
    /// API groups that have it; the core group is empty.
    pub groups: &'static [&'static str],
    /// The kind.
    pub kind: &'static str,
    /// Objects are carriers only with a name that begins so; what follows names the release.
    pub name_prefix: &'static str,
    /// Where the configs are.
    pub configs: Vec<ConfigAt>,
    /// Who reads the values next.
    pub reading: Reading,
    /// Whether other objects are made from this one: what is wrong in it breaks nothing yet.
    pub is_template: bool,
    /// Whether another object may bring more values, over these.
    pub is_completed_elsewhere: bool,
}

/// Where one config is, or one for each item of a list.
#[derive(Debug)]
pub struct ConfigAt {
    /// The part of the object that holds the config; all other paths start there.
    pub root: Path,
    /// Whether the root is a list, with a config in each item.
    pub in_items: bool,
    /// What gives values, lowest first.
    pub parts: Vec<PartAt>,
    /// Which of several parts with values is there, where they exclude each other.
    pub exclusive: bool,
    /// The chart.
    pub chart: ChartAt,
    /// The release.
    pub release: ReleaseAt,
    /// Where defaults go when there are no values yet; `None`: nowhere, ever.
    pub edit: Option<PartAt>,
}

/// A part that gives values.
#[derive(Clone, Debug)]
pub struct PartAt {
    /// Where it is.
    pub at: Path,
    /// What it holds.
    pub holds: Holds,
}

/// What a [`PartAt`] holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Holds {
    /// Values.
    Values(Encoding),
    /// Values that the object has to have.
    RequiredValues(Encoding),
    /// A reference, or a list of references, to values that are kept elsewhere.
    References,
    /// Values of another object, which these are laid over.
    Base,
    /// A list of targets, of which each may bring values under this key.
    Overrides(&'static str),
    /// A map from names to values, in the form of Helm's `--set` (k3s).
    SetMap,
    /// A list of `{name, value}` in the form of Helm's `--set` (Crossplane).
    SetList,
}

/// Where the chart is named.
#[derive(Debug, Default)]
pub struct ChartAt {
    /// Its name, or a reference that ends with it.
    pub name: Option<Path>,
    /// Whether it is vCluster's where no name is given.
    pub is_vcluster_by_default: bool,
    /// Its version, and the text that stands before it.
    pub version: Option<(Path, &'static str)>,
}

/// Where the release is named; paths start at the root of the object.
#[derive(Debug, Default)]
pub struct ReleaseAt {
    /// Another cluster than the object's own.
    pub cluster: Option<Path>,
    /// The namespace, where it is not the object's own.
    pub namespace: Option<Path>,
    /// The name, where it is not the object's own.
    pub name: Option<Path>,
    /// What tells several configs of one object apart; this path starts at the config's root.
    pub item: Option<Path>,
}

impl Declaration {
    /// Whether it describes this kind of object.
    pub fn matches(&self, group: &str, kind: &str) -> bool {
        self.groups.contains(&group) && self.kind == kind
    }

    /// The configs in an object; none if it is another object with such a name, or deploys
    /// another chart.
    pub(super) fn configs<'a>(
        &self,
        object: &'a RawValue,
        namespace: &str,
        known: bool,
    ) -> Vec<Carried<'a>> {
        let name = dig_str_at(object, &Path::dotted("metadata.name"))
            .or_else(|| dig_str_at(object, &Path::dotted("metadata.generateName")))
            .unwrap_or_default();
        let Some(name) = name.strip_prefix(self.name_prefix) else {
            return Vec::new();
        };
        let mut configs = Vec::new();
        for config in &self.configs {
            let roots = match (dig_at(object, &config.root), config.in_items) {
                (None, _) => Vec::new(),
                (Some(root), false) => vec![(config.root.clone(), root)],
                (Some(list), true) => dig_list(list, &[], CONFIGS)
                    .unwrap_or_default()
                    .into_iter()
                    .enumerate()
                    .map(|(number, item)| (config.root.index(number), item))
                    .collect(),
            };
            for (at, root) in roots {
                configs.extend(config.carried(self, object, (namespace, name, known), &at, root));
            }
        }
        configs
    }
}

impl ConfigAt {
    fn carried<'a>(
        &self,
        declaration: &Declaration,
        object: &'a RawValue,
        (namespace, name, known): (&str, &str, bool),
        at: &Path,
        root: &'a RawValue,
    ) -> Option<Carried<'a>> {
        let chart = self.chart.source(root);
        let parts = self.parts(at, root);
        let nothing = parts.iter().all(Part::is_missing) && !self.chart.is_given(root);
        let lost = known && parts.iter().any(Part::is_missing);
        if (nothing && !lost) || !chart.may_be_vcluster() {
            return None;
        }
        let mut carried = Carried {
            release: self.release.of(object, root, (namespace, name)),
            pieces: self.pieces(object, root),
            chart,
            edit_at: self.edit_at(at, &parts, object),
            parts,
            reading: declaration.reading,
            is_template: declaration.is_template,
            is_completed_elsewhere: declaration.is_completed_elsewhere,
            told_distro: dig_str_at(object, &Path::keys(TOLD_DISTRO))
                .and_then(|key| Distro::from_key(&key))
                .filter(|_| declaration.reading == Reading::Pod),
            record: record(object),
            layers: OnceCell::new(),
        };
        // where the chart is not named, the values have to tell
        let known = known || carried.chart.name.is_some() || carried.looks_like_vcluster();
        carried
            .chart
            .name
            .get_or_insert_with(|| "vcluster".to_owned());
        known.then_some(carried)
    }

    fn parts<'a>(&self, at: &Path, root: &'a RawValue) -> Vec<Part<'a>> {
        let mut parts: Vec<Part<'a>> = Vec::new();
        for part in &self.parts {
            let raw = dig_at(root, &part.at);
            let at = at.join(&part.at);
            match (part.holds, raw) {
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
                (Holds::Base, _) | (Holds::References, Some(_)) => {
                    parts.push(Part {
                        at,
                        content: Content::Elsewhere,
                    });
                }
                (Holds::Overrides(key), Some(raw)) => {
                    let targets = dig_list(raw, &[], ITEMS + 1).unwrap_or_default();
                    if targets.len() > ITEMS
                        || targets
                            .iter()
                            .any(|target| dig_at(target, &Path::keys([key])).is_some())
                    {
                        parts.push(Part {
                            at,
                            content: Content::Elsewhere,
                        });
                    }
                }
                (Holds::SetMap, Some(raw)) => parts.extend(set_map(&at, raw)),
                (Holds::SetList, Some(raw)) => parts.extend(set_list(&at, raw)),
                (
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

    /// The uppermost part that holds values, or the one to begin with.
    fn edit_at(&self, at: &Path, parts: &[Part<'_>], object: &RawValue) -> Option<EditAt> {
        let begin = self.edit.as_ref()?;
        let Holds::Values(new) = begin.holds else {
            return None;
        };
        let present = parts.iter().rev().find_map(|part| match part.content {
            Content::Values(encoding, _) => Some((part.at.clone(), encoding)),
            _ => None,
        });
        let (at, encoding) = present.unwrap_or_else(|| (at.join(&begin.at), new));
        // values are begun where there is a place for them
        dig_at(object, &at.parent())?;
        // Argo CD would put its text back, and we ours, for ever
        let tracked = Path::keys(["metadata", "annotations", "argocd.argoproj.io/tracking-id"]);
        let suggest = encoding.is_text() && dig_at(object, &tracked).is_some();
        Some(EditAt {
            at,
            encoding,
            suggest,
        })
    }

    /// Everything that has a say in the config, besides values that are kept as text.
    fn pieces<'a>(&self, object: &'a RawValue, root: &'a RawValue) -> Vec<Option<&'a RawValue>> {
        let Self {
            root: _,
            in_items: _,
            parts,
            exclusive: _,
            chart,
            release,
            edit: _,
        } = self;
        let parts = parts.iter().filter(|part| match part.holds {
            Holds::Values(encoding) | Holds::RequiredValues(encoding) => !encoding.is_text(),
            Holds::References
            | Holds::Base
            | Holds::Overrides(_)
            | Holds::SetMap
            | Holds::SetList => true,
        });
        let below_root = parts
            .map(|part| &part.at)
            .chain(&chart.name)
            .chain(chart.version.as_ref().map(|(path, _)| path))
            .chain(&release.item)
            .map(|path| dig_at(root, path));
        let below_object = [&release.cluster, &release.namespace, &release.name];
        let below_object = below_object
            .into_iter()
            .flatten()
            .map(|path| dig_at(object, path));
        below_root.chain(below_object).collect()
    }
}

impl ChartAt {
    fn source(&self, root: &RawValue) -> ChartSource {
        let Self {
            name,
            is_vcluster_by_default,
            version,
        } = self;
        let name = name.as_ref().and_then(|path| dig_str_at(root, path));
        let name = name.filter(|name| !name.is_empty());
        let written = version.as_ref().and_then(|(path, before)| {
            dig_str_at(root, path)?.strip_prefix(before).map(unsanitise)
        });
        let default = is_vcluster_by_default.then_some("vcluster");
        ChartSource::named(name.as_deref().or(default), written.as_deref())
    }

    /// Whether anything is said about the chart.
    fn is_given(&self, root: &RawValue) -> bool {
        let Self {
            name,
            is_vcluster_by_default: _,
            version,
        } = self;
        name.iter()
            .chain(version.iter().map(|(path, _)| path))
            .any(|path| dig_str_at(root, path).is_some_and(|text| !text.is_empty()))
    }
}

impl ReleaseAt {
    fn of(&self, object: &RawValue, root: &RawValue, (namespace, name): (&str, &str)) -> Release {
        let Self {
            cluster,
            namespace: namespace_at,
            name: name_at,
            item,
        } = self;
        let at = |path: &Option<Path>| -> Option<String> {
            let text = dig_str_at(object, path.as_ref()?)?;
            (!text.is_empty()).then(|| text.into_owned())
        };
        Release {
            cluster: at(cluster),
            namespace: at(namespace_at).unwrap_or_else(|| namespace.to_owned()),
            name: at(name_at).unwrap_or_else(|| name.to_owned()),
            item: item
                .as_ref()
                .and_then(|path| dig_str_at(root, path))
                .map(Into::into),
        }
    }
}

/// `set: {a.b: c}`: in the order of the names, typed if they look typed, as k3s' helm-controller
/// hands them to Helm.
fn set_map<'a>(at: &Path, raw: &'a RawValue) -> Vec<Part<'a>> {
    let mut entries = dig_map(raw, ITEMS + 1);
    if entries.len() > ITEMS {
        return vec![Part {
            at: at.clone(),
            content: Content::Elsewhere,
        }];
    }
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    entries
        .into_iter()
        .map(|(name, value)| {
            let text = dig_str_at(value, &Path::root());
            let typed = text.as_deref().is_none_or(|text| {
                ["true", "false", "null"]
                    .iter()
                    .any(|word| text.eq_ignore_ascii_case(word))
            });
            // what is no string is a whole number, in the form of JSON
            let text = text.unwrap_or_else(|| value.get().into());
            let text = if typed {
                text.into_owned()
            } else {
                text.replace(',', "\\,")
            };
            Part {
                at: at.key(&name),
                content: Content::Set(format!("{name}={text}"), typed),
            }
        })
        .collect()
}

/// `set: [{name, value}, {name, valueFrom}]`, as Crossplane's provider hands them to Helm.
fn set_list<'a>(at: &Path, raw: &'a RawValue) -> Vec<Part<'a>> {
    let items = dig_list(raw, &[], ITEMS + 1).unwrap_or_default();
    items
        .into_iter()
        .enumerate()
        .map(|(number, item)| {
            let at = at.index(number);
            let name = dig_str_at(item, &Path::dotted("name")).unwrap_or_default();
            let value = dig_str_at(item, &Path::dotted("value"));
            let content = match (value, dig_at(item, &Path::dotted("valueFrom"))) {
                _ if number == ITEMS => Content::Elsewhere,
                (Some(value), None) => Content::Set(format!("{name}={value}"), true),
                // the value is not seen, the name tells where it goes
                _ => Content::Set(format!("{name}={{}}"), true),
            };
            Part { at, content }
        })
        .collect()
}

/// A label cannot hold the `+` before build metadata; the chart writes `_` instead.
fn unsanitise(version: &str) -> String {
    version.replacen('_', "+", 1)
}
