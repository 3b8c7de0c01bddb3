//! What two configs of one virtual cluster are compared by.
//!
//! A [`Sketch`] is small and outlives the object that it was made of. What cannot be seen is
//! `None`, and differs from nothing. Knows nothing of what the two configs were read from.

use std::fmt;

use semver::Version;

use super::{
    Certainty, Component, Config, Distro, Image, ImagePart, Lookup, Origin, Presence, Range,
    Reference, Store,
};
use crate::text::printable;

/// What of a config can be compared with another one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sketch {
    chart: Option<Range>,
    distro: Option<Distro>,
    store: Option<Store>,
    images: Vec<(Component, Seen)>,
}

/// What two configs may differ in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Aspect {
    /// The chart's version.
    Chart,
    /// The distro in force.
    Distro,
    /// Where the state is kept.
    Store,
    /// The image of one component.
    Image(Component),
}

/// Something that two configs do not agree on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Difference {
    /// What it is.
    pub aspect: Aspect,
    /// What the first of them says; fit to be shown.
    pub one: String,
    /// What the second one says.
    pub other: String,
}

/// What can be seen of an image.
#[derive(Clone, Debug, Default, PartialEq)]
struct Seen {
    /// Host and repository.
    name: Option<String>,
    tag: Option<String>,
    digest: Option<String>,
}

impl Config<'_> {
    /// What of it can be compared.
    pub fn sketch(&self) -> Sketch {
        let chart = self
            .chart
            .written()
            .and_then(|text| Range::parse(text).ok());
        if self.chart.certainty() == Certainty::Legacy {
            return Sketch {
                chart,
                ..Sketch::default()
            };
        }
        let images = self.images().into_iter().filter(|image| self.pulls(image));
        Sketch {
            chart,
            distro: self.distro(),
            store: self.store(),
            images: images
                .map(|image| (image.component, self.seen(&image)))
                .collect(),
        }
    }

    /// Whether it is certain that the image will be pulled.
    fn pulls(&self, image: &Image) -> bool {
        let keys = image.path.as_keys().unwrap_or_default();
        let is_there = !self.is_rendered() || self.user_presence(&keys) != Presence::Unset;
        is_there && self.runs(image.component) == Some(true)
    }

    fn seen(&self, image: &Image) -> Seen {
        // of a chart that is guessed only what the user wrote is certain
        let sure = |part: &ImagePart, is_certain: bool| match part {
            ImagePart::Known {
                value,
                origin,
                path,
            } => {
                let keys = path.as_keys().unwrap_or_default();
                let is_absent = self.is_rendered() && self.get(keys) == Lookup::Absent;
                let is_sure = is_certain || *origin != Origin::Chart || !self.is_helms();
                (is_sure && !is_absent).then(|| value.to_string())
            }
            ImagePart::Unknown => None,
        };
        // a patch release may bring another tag, and the host may have had another version when
        // Helm looked
        let is_exact = self.chart.certainty() == Certainty::Exact;
        let tag =
            sure(&image.tag, is_exact).filter(|tag| !tag.is_empty() && !self.is_hosts_tag(image));
        let (tag, digest) = match tag {
            Some(tag) => match tag.split_once('@') {
                Some((tag, digest)) => (Some(tag.to_owned()), Some(digest.to_owned())),
                None => (Some(tag), None),
            },
            None => (None, None),
        };
        let is_certain = self.chart.is_certain();
        let name = sure(&image.registry, is_certain).zip(sure(&image.repository, is_certain));
        let name = name.and_then(|(registry, repository)| {
            let separator = if registry.is_empty() { "" } else { "/" };
            let parsed = Reference::parse(&format!("{registry}{separator}{repository}"));
            parsed
                .filter(|parsed| parsed.tag.is_none() && parsed.digest.is_none())
                .map(|parsed| parsed.name())
        });
        Seen {
            name,
            tag: tag
                .zip(image.suffix)
                .map(|(tag, suffix)| format!("{tag}{suffix}")),
            digest,
        }
    }

    /// Whether the chart's defaults stand below the values.
    fn is_helms(&self) -> bool {
        self.reading == super::Reading::Helm
    }
}

impl Sketch {
    /// The same where another object may bring more values: only the chart stays as it is.
    #[must_use]
    pub fn only_chart(self) -> Self {
        Self {
            chart: self.chart,
            ..Self::default()
        }
    }

    /// Everything that both can see, and do not agree on.
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        let mut differences = Vec::new();
        if let (Some(one), Some(two)) = (&self.chart, &other.chart)
            && !may_be_one(one, two)
        {
            let shown = |range: &Range| printable(&range.to_string(), 40);
            differences.push(Difference {
                aspect: Aspect::Chart,
                one: shown(one),
                other: shown(two),
            });
        }
        if let (Some(one), Some(two)) = (self.distro, other.distro)
            && one != two
        {
            differences.push(Difference {
                aspect: Aspect::Distro,
                one: one.to_string(),
                other: two.to_string(),
            });
        }
        if let (Some(one), Some(two)) = (self.store, other.store)
            && one != two
        {
            differences.push(Difference {
                aspect: Aspect::Store,
                one: one.to_string(),
                other: two.to_string(),
            });
        }
        for (component, one) in &self.images {
            let mut theirs = other.images.iter().filter(|(same, _)| same == component);
            if let Some((_, two)) = theirs.next()
                && one.differs(two)
            {
                differences.push(Difference {
                    aspect: Aspect::Image(*component),
                    one: one.to_string(),
                    other: two.to_string(),
                });
            }
        }
        differences
    }

    /// Whether something can be seen of an aspect.
    pub fn knows(&self, aspect: Aspect) -> bool {
        match aspect {
            Aspect::Chart => self.chart.is_some(),
            Aspect::Distro => self.distro.is_some(),
            Aspect::Store => self.store.is_some(),
            Aspect::Image(component) => self.images.iter().any(|(same, seen)| {
                *same == component && (seen.name.is_some() || seen.tag.is_some())
            }),
        }
    }
}

/// Whether two ranges of versions may mean the same chart, as far as can be told.
fn may_be_one(one: &Range, two: &Range) -> bool {
    let parts = |version: &Version| {
        let Version {
            major,
            minor,
            patch,
            pre,
            // build metadata has no say
            build: _,
        } = version;
        (*major, *minor, *patch, pre.clone())
    };
    match (one.exact(), two.exact()) {
        (Some(one), Some(two)) => parts(one) == parts(two),
        (Some(version), None) => two.contains(version),
        (None, Some(version)) => one.contains(version),
        (None, None) => true,
    }
}

impl Seen {
    fn differs(&self, other: &Self) -> bool {
        let differ = |one: &Option<String>, two: &Option<String>| {
            one.as_ref()
                .zip(two.as_ref())
                .is_some_and(|(one, two)| one != two)
        };
        differ(&self.name, &other.name)
            || differ(&self.tag, &other.tag)
            || differ(&self.digest, &other.digest)
    }
}

impl fmt::Display for Seen {
    /// As a reference; what cannot be seen is `?`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, tag, digest } = self;
        let shown = |text: &Option<String>| {
            text.as_deref()
                .map_or("?".into(), |text| printable(text, 255))
        };
        write!(f, "{}:{}", shown(name), shown(tag))?;
        match digest {
            Some(digest) => write!(f, "@{}", printable(digest, 255)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Aspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chart => f.write_str("chart"),
            Self::Distro => f.write_str("distro"),
            Self::Store => f.write_str("store"),
            Self::Image(component) => write!(f, "image {}", component.key()),
        }
    }
}

#[cfg(test)]
mod tests;
