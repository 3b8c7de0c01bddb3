//! Which documents are about a config: by namespace, labels, kind, chart, user.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::Date;
use super::spec::Document;
use crate::globs::Globs;
use crate::vcluster::{Chart, Range};

/// The labels of a namespace.
pub type Labels = BTreeMap<String, String>;

/// What a config is about, as far as documents choose by it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Applicant<'a> {
    /// The object's namespace; empty for an object without.
    pub namespace: &'a str,
    /// Where the virtual cluster lives, or will.
    pub target_namespace: &'a str,
    /// The labels of the object's namespace, where they are known.
    pub labels: Option<&'a Labels>,
    /// The kind of object.
    pub carrier: &'a str,
    /// The chart; `None` where it is not looked at yet.
    pub chart: Option<&'a Chart<'a>>,
    /// Who asks.
    pub user: &'a str,
    /// And the groups of whoever asks.
    pub groups: &'a [std::borrow::Cow<'a, str>],
    /// The day, in UTC.
    pub today: Option<Date>,
}

/// What a document is about; what it leaves out counts for everything.
#[derive(Debug, Default)]
pub struct Match {
    /// The object's namespace.
    pub namespaces: Names,
    /// The virtual cluster's namespace.
    pub target_namespaces: Names,
    /// The labels of the object's namespace.
    pub selector: Vec<Requirement>,
    /// Kinds of object.
    pub carriers: Vec<Box<str>>,
    /// Charts.
    pub charts: Option<Range>,
    /// Who asks.
    pub users: Option<Globs>,
    /// And of which group one has to be.
    pub groups: Option<Globs>,
}

/// Names with `*` in them, of which some are left out by `!`.
#[derive(Debug, Default)]
pub struct Names {
    /// The patterns of which one has to match; `None` for all.
    pub all: Option<Globs>,
    /// The patterns of which none may match.
    pub but: Globs,
}

/// One requirement of a label selector.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Requirement {
    /// The label.
    pub key: Box<str>,
    /// What is asked of its value.
    pub of: Of,
}

/// What is asked of a label's value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Of {
    /// It is one of these.
    In(Vec<Box<str>>),
    /// It is none of these, or there is no such label.
    NotIn(Vec<Box<str>>),
    /// There is such a label.
    Exists,
    /// There is none.
    DoesNotExist,
}

/// Whether a document is about an applicant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fit {
    Yes,
    No,
    /// All else fits, and what the labels of the namespace are is not known.
    LabelsUnknown,
}

impl Match {
    /// Whether it may be about configs of a namespace, and who asks decides, or labels do that are
    /// not known.
    pub(super) fn depends_on_more_than(&self, namespace: &str, knows_labels: bool) -> bool {
        let by_labels = !self.selector.is_empty() && !knows_labels;
        let depends = self.users.is_some() || self.groups.is_some() || by_labels;
        depends && self.namespaces.fit(namespace)
    }

    /// Whether all that is asked fits.
    pub(super) fn fits(&self, applicant: &Applicant<'_>) -> Fit {
        let Self {
            namespaces,
            target_namespaces,
            selector,
            carriers,
            charts,
            users,
            groups,
        } = self;
        let one_of = |globs: &Globs| applicant.groups.iter().any(|group| globs.matches(group));
        let fits = namespaces.fit(applicant.namespace)
            && target_namespaces.fit(applicant.target_namespace)
            && (carriers.is_empty() || carriers.iter().any(|kind| **kind == *applicant.carrier))
            && charts
                .as_ref()
                .is_none_or(|range| applicant.chart.is_some_and(|chart| chart.lies_in(range)))
            && users
                .as_ref()
                .is_none_or(|users| users.matches(applicant.user))
            && groups.as_ref().is_none_or(one_of);
        match (fits, selector.is_empty(), applicant.labels) {
            (false, ..) => Fit::No,
            (true, true, _) => Fit::Yes,
            (true, false, None) => Fit::LabelsUnknown,
            (true, false, Some(labels)) => {
                if selector.iter().all(|one| one.fits(labels)) {
                    Fit::Yes
                } else {
                    Fit::No
                }
            }
        }
    }
}

impl Names {
    /// The patterns as they were written, those to leave out with a `!`.
    pub fn patterns(&self) -> impl Iterator<Item = String> {
        let Self { all, but } = self;
        let all = all.iter().flat_map(Globs::patterns).map(str::to_owned);
        all.chain(but.patterns().map(|pattern| format!("!{pattern}")))
    }

    fn fit(&self, name: &str) -> bool {
        self.all.as_ref().is_none_or(|all| all.matches(name)) && !self.but.matches(name)
    }
}

impl Requirement {
    /// As `metav1.LabelSelectorRequirement` is understood.
    fn fits(&self, labels: &Labels) -> bool {
        let value = labels.get(&*self.key);
        let among = |values: &[Box<str>]| {
            value.is_some_and(|value| values.iter().any(|one| **one == **value))
        };
        match &self.of {
            Of::In(values) => among(values),
            Of::NotIn(values) => !among(values),
            Of::Exists => value.is_some(),
            Of::DoesNotExist => value.is_none(),
        }
    }
}

/// Which documents may be about an applicant: those that name namespaces are found by them, so
/// that a thousand teams' documents cost one look.
#[derive(Debug)]
pub(super) struct Index {
    /// Patterns of the object's namespace, and of the virtual cluster's.
    namespaces: Lookup,
    target_namespaces: Lookup,
    /// By kind of object.
    carriers: HashMap<Box<str>, Vec<usize>>,
    /// Those that name none of the above.
    others: Vec<usize>,
}

/// Patterns, each with the number of its document.
#[derive(Debug, Default)]
struct Lookup {
    set: GlobSet,
    documents: Vec<usize>,
}

impl Index {
    pub(super) fn of(documents: &[Arc<Document>]) -> Self {
        let (mut namespaces, mut targets) = (Patterns::default(), Patterns::default());
        let mut carriers: HashMap<Box<str>, Vec<usize>> = HashMap::new();
        let mut others = Vec::new();
        for (number, document) in documents.iter().enumerate() {
            let Match {
                namespaces: here,
                target_namespaces: there,
                carriers: kinds,
                ..
            } = &document.matching;
            if let Some(patterns) = &here.all {
                namespaces.extend(patterns.patterns().map(|pattern| (pattern, number)));
            } else if let Some(patterns) = &there.all {
                targets.extend(patterns.patterns().map(|pattern| (pattern, number)));
            } else if kinds.is_empty() {
                others.push(number);
            } else {
                for kind in kinds {
                    carriers.entry(kind.clone()).or_default().push(number);
                }
            }
        }
        // what cannot be looked up is asked one by one: slower, and never left out
        let mut lookup = |patterns: Patterns<'_>| {
            let documents: Vec<usize> = patterns.iter().map(|(_, number)| *number).collect();
            Lookup::of(&patterns).unwrap_or_else(|| {
                others.extend(documents);
                Lookup::default()
            })
        };
        let (namespaces, target_namespaces) = (lookup(namespaces), lookup(targets));
        Self {
            namespaces,
            target_namespaces,
            carriers,
            others,
        }
    }

    /// The numbers of the documents that may be about an applicant, in order.
    pub(super) fn candidates(&self, applicant: &Applicant<'_>) -> Vec<usize> {
        let mut found = self.others.clone();
        found.extend(self.carriers.get(applicant.carrier).into_iter().flatten());
        for (lookup, name) in [
            (&self.namespaces, applicant.namespace),
            (&self.target_namespaces, applicant.target_namespace),
        ] {
            let matches = lookup.set.matches(name).into_iter();
            found.extend(matches.filter_map(|number| lookup.documents.get(number)));
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Patterns with the numbers of their documents.
type Patterns<'d> = Vec<(&'d str, usize)>;

impl Lookup {
    /// `None` if they are too many or too long for one set.
    fn of(patterns: &Patterns<'_>) -> Option<Self> {
        let mut set = GlobSetBuilder::new();
        for (pattern, _) in patterns {
            set.add(Glob::new(pattern).ok()?);
        }
        Some(Self {
            set: set.build().ok()?,
            documents: patterns.iter().map(|(_, number)| *number).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No namespace is as long, and only so are few patterns too many.
    const LENGTH: usize = 4_000;

    #[test]
    fn documents_count_where_their_patterns_are_too_many_for_one_set() {
        let pattern = |number| format!("{}?[ab]*{number}[c-e]?", "?".repeat(LENGTH));
        let named = |number: usize| {
            let namespaces = Names {
                all: Globs::parse([&*pattern(number)]).ok(),
                ..Names::default()
            };
            let matching = Match {
                namespaces,
                ..Match::default()
            };
            Arc::new(Document {
                matching,
                ..Document::default()
            })
        };
        let count = 100;
        let documents: Vec<_> = (0..count).map(named).collect();
        let patterns: Vec<_> = (0..count).map(|number| (pattern(number), number)).collect();
        let patterns: Patterns<'_> = patterns.iter().map(|(p, n)| (&**p, *n)).collect();
        assert!(Lookup::of(&patterns).is_none(), "make it more");
        let namespace = format!("{}-b7cd", "x".repeat(LENGTH));
        let applicant = Applicant {
            namespace: &namespace,
            ..Applicant::default()
        };
        let found = Index::of(&documents).candidates(&applicant);
        let fits = |number: &&usize| documents[**number].matching.fits(&applicant) == Fit::Yes;
        assert_eq!(found.iter().filter(fits).collect::<Vec<_>>(), [&7]);
    }
}
