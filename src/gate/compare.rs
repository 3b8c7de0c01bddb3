//! What the objects of one virtual cluster say of it, side by side.
//!
//! A carrier says what is wanted, the Secret what Helm wrote, the workload what runs. [`compare`]
//! tells where they do not agree. Only what each of them can see is compared; what is Unknown
//! agrees with everything.

use std::collections::BTreeMap;
use std::fmt;

use super::Lowered;
use crate::admission::GroupVersionKind;
use crate::carrier::Release;
use crate::text::printable;
use crate::vcluster::{Completeness, Difference, Reading, Sketch};

/// Of so many objects of one virtual cluster and stage each is compared with each; it should have
/// one.
const OBJECTS: usize = 64;

/// So many disagreements of one virtual cluster are told.
const TOLD: usize = 20;

/// What one object says of a virtual cluster. It is small, and outlives the object.
#[derive(Clone, Debug)]
pub struct Claim {
    /// `HelmRelease team-a/dev`, fit to be shown.
    pub object: String,
    release: Release,
    stage: Stage,
    sketch: Sketch,
}

/// What comes of comparing.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Where objects do not agree.
    pub found: Vec<Disagreement>,
    /// Of which virtual clusters more could be told, in words for people.
    pub notes: Vec<String>,
}

/// Two objects of one virtual cluster that do not agree.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Disagreement {
    /// The namespace that the virtual cluster lives in, fit to be shown.
    pub namespace: String,
    /// The name of its Helm release.
    pub release: String,
    /// The two objects: what is wanted or written before what came of it.
    pub between: [String; 2],
    /// In what.
    pub differences: Vec<Difference>,
    /// What that may mean.
    pub meaning: Meaning,
}

/// What a disagreement may mean.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Meaning {
    /// Two carriers want one release.
    TwoOwners,
    /// What a carrier wants has not come to the Secret.
    NotInSecret,
    /// What a carrier wants does not run.
    NotRunning,
    /// What Helm wrote does not run.
    NotAsWritten,
}

/// How far a config has come.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Stage {
    Wanted,
    Written,
    Running,
}

impl Lowered<'_> {
    /// What the config says of its virtual cluster; `None` where it does not tell for certain
    /// which one that is, or is not what counts.
    pub fn claim(
        &self,
        kind: &GroupVersionKind<'_>,
        object: &str,
        namespace: &str,
    ) -> Option<Claim> {
        let carried = &self.carried;
        let release = &carried.release;
        let is_elsewhere = match (&*kind.group, &*kind.kind) {
            // bundles go to other clusters, but for those of Fleet's own
            ("fleet.cattle.io", "Bundle") => namespace != "fleet-local",
            // the platform chooses namespace and name
            ("management.loft.sh" | "storage.loft.sh", _) => true,
            _ => false,
        };
        let counts = !carried.is_template
            && !carried.is_passing
            && carried.renders_on.is_none()
            && carried.completeness != Completeness::Fragment
            && release.item.is_none()
            && !release.namespace.is_empty()
            && !is_elsewhere;
        if !counts {
            return None;
        }
        let sketch = self.subject.now.sketch();
        Some(Claim {
            object: object.to_owned(),
            release: release.clone(),
            stage: match carried.reading {
                Reading::Helm => Stage::Wanted,
                Reading::Pod => Stage::Written,
                Reading::Rendered => Stage::Running,
            },
            sketch: match carried.completeness {
                Completeness::Whole => sketch,
                Completeness::Extended | Completeness::Fragment => sketch.only_chart(),
            },
        })
    }
}

/// Where objects of one virtual cluster do not agree, by release and stage. An object is not
/// compared with itself, and what a carrier wants is compared with the workload only where the
/// Secret does not tell.
pub fn compare(claims: &[Claim]) -> Comparison {
    let mut releases: BTreeMap<_, Vec<&Claim>> = BTreeMap::new();
    for claim in claims {
        let Release {
            cluster,
            namespace,
            name,
            item: _,
        } = &claim.release;
        let key = (namespace, name, cluster);
        releases.entry(key).or_default().push(claim);
    }
    let mut comparison = Comparison::default();
    for ((namespace, release, _), mut claims) in releases {
        claims.sort_by_key(|claim| (claim.stage, &claim.object));
        let stages = claims.chunk_by(|one, other| one.stage == other.stage);
        let compared: Vec<_> = stages
            .flat_map(|stage| stage.iter().copied().take(OBJECTS))
            .collect();
        let (namespace, release) = (printable(namespace, 253), printable(release, 253));
        let mut found = disagreements(&compared);
        comparison.found.extend(found.by_ref().take(TOLD).map(
            |(between, differences, meaning)| Disagreement {
                namespace: namespace.clone(),
                release: release.clone(),
                between,
                differences,
                meaning,
            },
        ));
        let (more, left_out) = (found.count(), claims.len() - compared.len());
        let says = [
            (more, "more disagreements are not told"),
            (left_out, "more of its objects are not compared"),
        ];
        let says = says.iter().filter(|(count, _)| *count > 0);
        let says: Vec<_> = says
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if !says.is_empty() {
            let says = says.join(", and ");
            let note = format!("virtual cluster {namespace}/{release}: {says}");
            comparison.notes.push(note);
        }
    }
    comparison
}

/// The pairs that do not agree, in the order of the claims.
fn disagreements<'c>(
    claims: &'c [&'c Claim],
) -> impl Iterator<Item = ([String; 2], Vec<Difference>, Meaning)> + 'c {
    let written: Vec<_> = claims
        .iter()
        .filter(|claim| claim.stage == Stage::Written)
        .map(|claim| &claim.sketch)
        .collect();
    let pairs = claims.iter().enumerate().flat_map(|(number, one)| {
        let others = claims.iter().skip(number + 1);
        others.map(move |other| (*one, *other))
    });
    pairs.filter_map(move |(one, other)| {
        let (differences, meaning) = differences(one, other, &written)?;
        let between = [one.object.clone(), other.object.clone()];
        Some((between, differences, meaning))
    })
}

/// In what two claims do not agree, where the Secret says this.
fn differences(
    one: &Claim,
    other: &Claim,
    written: &[&Sketch],
) -> Option<(Vec<Difference>, Meaning)> {
    let meaning = match (one.stage, other.stage) {
        _ if one.object == other.object => return None,
        (Stage::Wanted, Stage::Wanted) => Meaning::TwoOwners,
        (Stage::Wanted, Stage::Written) => Meaning::NotInSecret,
        (Stage::Wanted, Stage::Running) => Meaning::NotRunning,
        (Stage::Written, Stage::Running) => Meaning::NotAsWritten,
        _ => return None,
    };
    let mut differences = one.sketch.differences(&other.sketch);
    if meaning == Meaning::NotRunning {
        differences.retain(|difference| {
            let mut written = written.iter();
            !written.any(|sketch| sketch.knows(difference.aspect))
        });
    }
    (!differences.is_empty()).then_some((differences, meaning))
}

impl Meaning {
    /// A word for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TwoOwners => "two-owners",
            Self::NotInSecret => "not-in-secret",
            Self::NotRunning => "not-running",
            Self::NotAsWritten => "not-as-written",
        }
    }
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TwoOwners => {
                "both want one release, and whichever is reconciled last wins: delete one, or \
                 make them the same"
            }
            Self::NotInSecret => {
                "the Secret is what Helm wrote last: the first is not reconciled yet (look at its \
                 status), or the Secret was changed by hand"
            }
            Self::NotRunning => {
                "the first is not reconciled yet (look at its status), or the workload was \
                 changed by hand"
            }
            Self::NotAsWritten => {
                "Helm writes both at once: one of them was changed by hand or by another \
                 webhook, or belongs to an older revision"
            }
        })
    }
}

#[cfg(test)]
mod tests;
