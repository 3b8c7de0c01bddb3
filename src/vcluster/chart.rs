//! Which vCluster chart a config is for, as far as it is known, and the era that follows.

use std::fmt;
use std::ops::RangeInclusive;

use semver::Version;

use super::tree::Tree;
use super::{Block, Catalogue, ChartSource, Distro, Era, Field, Range};
use crate::text::printable;
use crate::values::{Node, Path};

/// A chart, resolved against the catalogue.
#[derive(Clone, Debug)]
pub struct Chart<'c> {
    written: Option<Box<str>>,
    certainty: Certainty,
    version: Option<Version>,
    legacy: Option<Distro>,
    elsewhere: Option<Path>,
    /// Between which minor versions the chart lies.
    minors: RangeInclusive<u64>,
    /// The catalogue's versions that are meant, and for open ranges some that are yet to come.
    meant: Vec<Version>,
    /// The blocks that the chart may have; one for an exact chart, none for a legacy one.
    candidates: Vec<&'c Block>,
}

/// How well a chart is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Certainty {
    /// One chart of the catalogue.
    Exact,
    /// A closed range of charts of the catalogue that share one era.
    Era,
    /// Newer than the catalogue, a pre-release, an open or wide range, or not given: what is said
    /// of its fields may be wrong.
    Guess,
    /// Before 0.20: another layout, which is not read.
    Legacy,
}

impl<'c> Chart<'c> {
    /// Finds what a carrier says in the catalogue.
    pub fn resolve(source: &ChartSource, catalogue: &'c Catalogue) -> Self {
        let written = source
            .version
            .as_deref()
            .map(str::trim)
            .filter(|text| !text.is_empty());
        let range = written.and_then(|text| Range::parse(text).ok());
        let name = source.short_name().unwrap_or("vcluster");
        let mut chart = Self {
            written: written.map(Into::into),
            certainty: Certainty::Guess,
            version: range.as_ref().and_then(Range::exact).cloned(),
            legacy: None,
            elsewhere: source.elsewhere.clone(),
            minors: 20..=u64::MAX,
            meant: Vec::new(),
            candidates: Vec::new(),
        };
        // charts of their own for k8s, k0s and eks ended with 0.19: a later one is somebody's fork
        let unified = Version::new(0, 20, 0);
        let fork = name != "vcluster" && chart.version.as_ref().is_some_and(|v| *v >= unified);
        if chart.is_before_unified(range.as_ref()) || (name != "vcluster" && !fork) {
            chart.certainty = Certainty::Legacy;
            chart.legacy = Distro::of_legacy_chart(name);
            return chart;
        }
        match (chart.version.clone(), range) {
            (Some(version), _) if !fork => chart.resolve_version(&version, catalogue),
            (None, Some(range)) => chart.resolve_range(&range, catalogue),
            _ => {}
        }
        if chart.candidates.is_empty() {
            chart.candidates = catalogue.blocks().iter().collect();
        }
        chart
    }

    /// The same for a carrier that only charts from 0.20 on have: whatever it says, it is no
    /// earlier one.
    pub fn resolve_unified(source: &ChartSource, catalogue: &'c Catalogue) -> Self {
        let chart = Self::resolve(source, catalogue);
        if chart.certainty != Certainty::Legacy {
            return chart;
        }
        let unknown = ChartSource {
            version: None,
            ..source.clone()
        };
        Self {
            written: chart.written,
            ..Self::resolve(&unknown, catalogue)
        }
    }

    /// What the carrier says, for messages: `0.30.4`, `0.28.x`; `None` where it says nothing.
    pub fn written(&self) -> Option<&str> {
        self.written.as_deref()
    }

    /// The version, where exactly one is named; it need not be in the catalogue.
    pub const fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    /// Whether every version that may be meant lies in a range; a pre-release counts as the
    /// release that it comes before.
    pub fn lies_in(&self, range: &Range) -> bool {
        !self.meant.is_empty() && self.meant.iter().all(|version| range.contains(version))
    }

    /// Whether the carrier itself says that it is a chart from 0.20 on; of a fork or a chart that
    /// is described elsewhere it does not.
    pub fn is_told_unified(&self) -> bool {
        self.certainty != Certainty::Legacy && !self.meant.is_empty()
    }

    /// How well the chart is known.
    pub const fn certainty(&self) -> Certainty {
        self.certainty
    }

    /// The distro of a chart before 0.20, if its name tells.
    pub const fn legacy_distro(&self) -> Option<Distro> {
        self.legacy
    }

    /// Where the carrier refers to a chart that is described elsewhere.
    pub const fn elsewhere(&self) -> Option<&Path> {
        self.elsewhere.as_ref()
    }

    /// Whether what is said of the chart's fields can be relied on.
    pub const fn is_certain(&self) -> bool {
        matches!(self.certainty, Certainty::Exact | Certainty::Era)
    }

    /// The era, if every chart that this may be shares one.
    pub fn era(&self) -> Option<Era> {
        let mut eras = self.candidates.iter().map(|block| block.era);
        let first = eras.next()?;
        eras.all(|era| era == first).then_some(first)
    }

    /// What the charts that this may be accept.
    pub fn fields(&self) -> impl Iterator<Item = &'c Field> {
        self.candidates.iter().map(|block| &block.fields)
    }

    /// The distros that a chart which this may be has.
    pub fn has_distro(&self, distro: Distro) -> bool {
        self.candidates
            .iter()
            .any(|block| block.distros().any(|has| has == distro))
    }

    /// Whether the chart's minor version lies in a range, as far as it is known.
    pub fn minor_within(&self, range: RangeInclusive<u64>) -> Option<bool> {
        let (first, last) = (*self.minors.start(), *self.minors.end());
        if range.contains(&first) && range.contains(&last) {
            Some(true)
        } else if last < *range.start() || first > *range.end() {
            Some(false)
        } else {
            None
        }
    }

    /// The defaults, Unknown where the charts that this may be differ.
    pub fn defaults(&self) -> Tree {
        let trees: Vec<_> = self
            .candidates
            .iter()
            .map(|block| &block.defaults)
            .collect();
        Tree::common(&trees)
    }

    /// Narrows a guess down to the eras that have all the keys which are written, or else to
    /// `fallback`. What is known for certain stays as it is.
    pub fn infer(&mut self, written: &Node, fallback: Option<&Block>) {
        if self.certainty != Certainty::Guess || self.era().is_some() {
            return;
        }
        let fits = |block: &&'c Block| {
            written
                .get(["controlPlane", "distro"])
                .is_none_or(|distro| has_keys(distro, block.fields.get(["controlPlane", "distro"])))
        };
        let fitting: Vec<_> = self.candidates.iter().copied().filter(fits).collect();
        if !fitting.is_empty() {
            self.candidates = fitting;
        }
        // what is written decides: a chart that lacks it is none to fall back to
        let fallback = self.candidates.iter().copied().filter(|block| {
            self.era().is_none() && fallback.is_some_and(|fallback| fallback.era == block.era)
        });
        let fallback: Vec<_> = fallback.collect();
        if !fallback.is_empty() {
            self.candidates = fallback;
        }
    }

    /// Whether every version that the carrier may mean is before 0.20.
    fn is_before_unified(&self, range: Option<&Range>) -> bool {
        let first = Version::new(0, 20, 0);
        match &self.version {
            // a pre-release of 0.20.0 has the unified layout already
            Some(version) => Version::new(version.major, version.minor, version.patch) < first,
            None => range.is_some_and(|range| {
                // no release of minor 20 to 99, or of a later major version, lies in the range
                (0..20).any(|minor| {
                    (0..20).any(|patch| range.contains(&Version::new(0, minor, patch)))
                }) && !(20..100).any(|minor| {
                    (0..10).any(|patch| range.contains(&Version::new(0, minor, patch)))
                }) && !range.contains(&Version::new(1, 0, 0))
            }),
        }
    }

    fn resolve_version(&mut self, version: &Version, catalogue: &'c Catalogue) {
        if version.major == 0 {
            self.minors = version.minor..=version.minor;
        }
        let base = Version::new(version.major, version.minor, version.patch);
        self.meant = vec![base.clone()];
        if let Some(block) = catalogue.get(version) {
            self.certainty = Certainty::Exact;
            self.candidates = vec![block];
            return;
        }
        self.candidates = match catalogue.get(&base) {
            // a pre-release of a known chart
            Some(block) => vec![block],
            // a patch release that the catalogue does not have yet, or nothing known
            None => unique(
                catalogue
                    .charts(|known| known.major == base.major && known.minor == base.minor)
                    .map(|(_, block)| block),
            ),
        };
    }

    fn resolve_range(&mut self, range: &Range, catalogue: &'c Catalogue) {
        let charts: Vec<_> = catalogue
            .charts(|version| range.contains(version))
            .collect();
        self.candidates = unique(charts.iter().map(|(_, block)| *block));
        // it may also take minor versions that are yet to come, with a schema yet to come
        let to_come: Vec<_> = catalogue
            .newest()
            .into_iter()
            .flat_map(|newest| {
                let minors = (1..100).map(|ahead| (newest.major, newest.minor + ahead));
                minors.chain([(newest.major + 1, 0)])
            })
            .map(|(major, minor)| Version::new(major, minor, 0))
            .filter(|version| range.contains(version))
            .collect();
        let open = !to_come.is_empty();
        self.meant = charts
            .iter()
            .map(|(version, _)| (*version).clone())
            .chain(to_come)
            .collect();
        if let (false, Some((first, _)), Some((last, _))) = (open, charts.first(), charts.last()) {
            self.minors = first.minor..=last.minor;
            if self.era().is_some() {
                self.certainty = Certainty::Era;
            }
        }
    }
}

/// Each block once: many charts share one.
fn unique<'c>(blocks: impl Iterator<Item = &'c Block>) -> Vec<&'c Block> {
    let mut unique: Vec<&Block> = Vec::new();
    for block in blocks {
        if !unique.iter().any(|known| std::ptr::eq(*known, block)) {
            unique.push(block);
        }
    }
    unique
}

/// Whether a chart has every key that is written under `controlPlane.distro`, as far as maps go.
fn has_keys(written: &Node, field: Option<&Field>) -> bool {
    match (written.as_map(), field) {
        (Some(map), Some(Field::Map { fields, .. })) => map.iter().all(|(key, entry)| {
            fields
                .get(key)
                .is_some_and(|field| has_keys(&entry.value, Some(field)))
        }),
        (_, field) => field.is_some(),
    }
}

impl fmt::Display for Chart<'_> {
    /// `vCluster chart 0.30.4`; text from the carrier is cut at 40 characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.written {
            None => f.write_str("vCluster chart of unknown version"),
            Some(text) => {
                write!(f, "vCluster chart {}", printable(text, 40))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{Limits, read_yaml};

    fn chart(version: &str) -> (Certainty, Option<Era>) {
        let catalogue = Catalogue::embedded();
        let chart = Chart::resolve(&ChartSource::version(version), catalogue);
        (chart.certainty(), chart.era())
    }

    #[test]
    fn versions_and_ranges_are_as_certain_as_the_catalogue_allows() {
        for (version, certainty, era) in [
            ("0.20.0", Certainty::Exact, Some(Era::A)),
            ("v0.25.2", Certainty::Exact, Some(Era::B)),
            ("0.36.1", Certainty::Exact, Some(Era::D)),
            ("0.28.x", Certainty::Era, Some(Era::C)),
            (">=0.25.0 <0.26.0", Certainty::Era, Some(Era::B)),
            ("~0.24", Certainty::Era, Some(Era::A)),
            // takes charts to come
            (">=0.35", Certainty::Guess, Some(Era::D)),
            ("*", Certainty::Guess, None),
            ("", Certainty::Guess, None),
            ("{{ .version }}", Certainty::Guess, None),
            // takes charts of several eras
            (">=0.24 <0.26", Certainty::Guess, None),
            // newer than the catalogue, or not in it
            ("0.99.0", Certainty::Guess, None),
            ("0.30.99", Certainty::Guess, Some(Era::C)),
            ("0.30.4-rc.1", Certainty::Guess, Some(Era::C)),
            ("0.19.10", Certainty::Legacy, None),
            ("0.19.*", Certainty::Legacy, None),
            ("<0.20", Certainty::Legacy, None),
            ("0.20.0-beta.1", Certainty::Guess, Some(Era::A)),
        ] {
            assert_eq!(chart(version), (certainty, era), "{version}");
        }
    }

    #[test]
    fn a_chart_of_a_distros_own_is_a_legacy_chart() {
        let catalogue = Catalogue::embedded();
        let source = ChartSource {
            name: Some("vcluster-k8s".into()),
            ..ChartSource::default()
        };
        let chart = Chart::resolve(&source, catalogue);
        assert_eq!(chart.certainty(), Certainty::Legacy);
        assert_eq!(chart.legacy_distro(), Some(Distro::K8s));
    }

    #[test]
    fn the_era_of_a_guess_follows_from_keys_that_only_one_era_has_or_from_the_fallback() {
        let catalogue = Catalogue::embedded();
        let fallback = catalogue.get(&Version::new(0, 36, 0));
        for (values, fallback, era) in [
            (
                "controlPlane: {distro: {k8s: {apiServer: {image: {tag: v1}}}}}",
                None,
                Some(Era::A),
            ),
            (
                "controlPlane: {distro: {k0s: {}, k8s: {image: {}}}}",
                None,
                Some(Era::B),
            ),
            (
                "controlPlane: {distro: {k3s: {}, k8s: {scheduler: {enabled: true}}}}",
                None,
                Some(Era::C),
            ),
            ("controlPlane: {distro: {k8s: {enabled: true}}}", None, None),
            (
                "controlPlane: {distro: {k8s: {enabled: true}}}",
                fallback,
                Some(Era::D),
            ),
            (
                "controlPlane: {distro: {k8s: {apiServer: {image: {}}}}}",
                fallback,
                Some(Era::A),
            ),
            ("controlPlane: {distro: {nonsense: 1}}", None, None),
        ] {
            let mut chart = Chart::resolve(&ChartSource::default(), catalogue);
            let written = read_yaml(values.as_bytes(), &Limits::VALUES).unwrap();
            chart.infer(&written.root, fallback);
            assert_eq!((chart.era(), chart.is_certain()), (era, false), "{values}");
        }
    }
}
