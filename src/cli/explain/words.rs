//! What is said of values and of where they come from, for people.

use super::input::Explained;
use crate::text::printable;
use crate::vcluster::{
    Certainty, Chart, Completeness, Fact, ImageFacts, Kept, Overruled, Place, Source, Why,
};

/// How much of a value is shown: names of images have at most 255 characters.
const SHOWN: usize = 255;

/// How well the chart is known.
pub(super) fn chart(chart: &Chart<'_>) -> String {
    match chart.certainty() {
        Certainty::Exact => "known exactly".to_owned(),
        Certainty::Era => "a range of charts with the same fields".to_owned(),
        Certainty::Legacy => "before 0.20: another layout, which is not read".to_owned(),
        Certainty::Guess => {
            let why = match (chart.elsewhere(), chart.written(), chart.version()) {
                (Some(at), ..) => format!("the chart is kept elsewhere, at {at}"),
                (None, None, _) => "no version is given".to_owned(),
                (None, Some(_), Some(_)) => "this version is not in the catalogue".to_owned(),
                (None, Some(_), None) => {
                    "this may be a chart to come, or one of several layouts".to_owned()
                }
            };
            format!("guessed, because {why}")
        }
    }
}

/// A word for programs.
pub(super) const fn certainty(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Exact => "exact",
        Certainty::Era => "range",
        Certainty::Guess => "guess",
        Certainty::Legacy => "legacy",
    }
}

/// A value, and where it comes from; `own` is the last key of the path that decides it if nothing
/// unusual does.
pub(super) fn fact(fact: &Fact, own: &str, explained: &Explained) -> (Option<String>, String) {
    let Fact {
        value: known,
        source: from,
        overrules,
    } = fact;
    let shown = match (known, from) {
        (_, Source::Unknown(_)) => None,
        (Some(text), _) => Some(value(text, own)),
        (None, _) => Some("(not a quantity)".to_owned()),
    };
    let mut words = source(from, own, explained);
    if let Some(Overruled { value, place }) = overrules {
        let key = place.values.last_key().unwrap_or_default();
        let image = match place.values.parent().last_key() {
            Some("image") => "image.",
            _ => "",
        };
        let (value, at) = (printable(value, SHOWN), self::place(place, key));
        words = format!("{words}; overrules {image}{key} {value} at {at}");
    }
    (shown, words)
}

fn value(text: &str, own: &str) -> String {
    match (text, own) {
        ("", "registry") => "(Docker Hub)".to_owned(),
        ("", _) => "(empty)".to_owned(),
        _ => printable(text, SHOWN),
    }
}

/// The reference of an image, as far as it can be seen.
pub(super) fn reference(image: &ImageFacts) -> String {
    if let Some(reference) = &image.reference {
        return printable(reference, 3 * SHOWN);
    }
    let part = |fact: &Fact| {
        let shown = fact.value.as_ref().map(|text| printable(text, SHOWN));
        shown.unwrap_or_else(|| "(unknown)".to_owned())
    };
    let registry = part(&image.registry);
    let separator = if registry.is_empty() { "" } else { "/" };
    let (repository, tag) = (part(&image.repository), part(&image.tag));
    // of a tag that is unknown, so is the end
    let suffix = image.suffix.as_ref().filter(|_| image.tag.value.is_some());
    let suffix = suffix.map(part).unwrap_or_default();
    format!("{registry}{separator}{repository}:{tag}{suffix}")
}

/// Where a value comes from.
pub(super) fn source(source: &Source, own: &str, explained: &Explained) -> String {
    match source {
        Source::Chart if explained.chart.certainty() == Certainty::Guess => {
            "chart default, if the chart is guessed right".to_owned()
        }
        Source::Chart => "chart default".to_owned(),
        Source::ChartName => "the chart's name".to_owned(),
        Source::Policy(_) => "policy default".to_owned(),
        Source::NoneEnabled => "vCluster's default: none is enabled".to_owned(),
        Source::NotSet => "not set".to_owned(),
        Source::Host if explained.tells_host => {
            "the host's version, as the object tells it".to_owned()
        }
        Source::Host => "the host's version (--host-version)".to_owned(),
        Source::Set(place) => self::place(place, own),
        Source::Unknown(why) => format!("unknown, because {}", because(why, explained)),
    }
}

/// Why something is unknown.
pub(super) fn because(why: &Why, explained: &Explained) -> String {
    match why {
        Why::Elsewhere(_) if explained.completeness == Completeness::Fragment => {
            "these are only some of a release's values, and others may set it".to_owned()
        }
        why => why.to_string(),
    }
}

/// Where something stands. The path in a text is told where it is another than one expects.
fn place(place: &Place, own: &str) -> String {
    let at = match (place.kept, place.position) {
        (Kept::Fields | Kept::Otherwise, _) => return place.field(),
        (Kept::Text, Some(at)) => format!("line {} of {}", at.line, place.part),
        (Kept::Text, None) => place.part.to_string(),
    };
    if place.values.last_key() == Some(own) {
        at
    } else {
        format!("{at} ({})", place.values)
    }
}
