//! Which config of the old object is which of the new one: by release, never by place.

use std::collections::HashMap;

use crate::carrier::{Alike, Carried, Held, Release};

/// The configs of an old object, by release.
#[derive(Debug, Default)]
pub(super) struct Before<'b, 'a> {
    by_name: HashMap<(&'b str, &'b str, Option<&'b str>), Vec<&'b Carried<'a>>>,
}

/// What a config is compared with.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pair<'b, 'a> {
    /// What the same release had before, for good.
    pub(super) before: Option<&'b Carried<'a>>,
    /// Whether it is a config that the old object had.
    pub(super) is_untouched: bool,
}

impl<'b, 'a> Before<'b, 'a> {
    /// Of what an old object holds.
    pub(super) fn of(held: &'b Held<'a>) -> Self {
        let mut before = Self::default();
        for config in &held.configs {
            before
                .by_name
                .entry(key(&config.release))
                .or_default()
                .push(config);
        }
        before
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Pairs the configs of a new object, in their order. Of several with one release the first is
    /// paired with the first, the second with the second, and further ones with the last.
    pub(super) fn pairs(&self, now: &[Carried<'_>]) -> Vec<Pair<'b, 'a>> {
        let mut seen: HashMap<_, usize> = HashMap::new();
        let alike = Alike::default();
        now.iter()
            .map(|config| {
                let named = |key| self.by_name.get(&key).into_iter().flatten().copied();
                let (namespace, name, item) = key(&config.release);
                let mut same: Vec<_> = named((namespace, name, item)).collect();
                if same.is_empty() && config.is_over_base {
                    same.extend(named((namespace, name, None)));
                }
                same.retain(|before| may_be_one(&config.release, &before.release));
                let for_good = || same.iter().filter(|before| !before.is_passing);
                let before = if config.is_passing {
                    for_good().next().copied()
                } else {
                    let number = seen.entry(key(&config.release)).or_default();
                    *number += 1;
                    // the last of one name counts: a further one is laid over it
                    let further = || for_good().next_back();
                    for_good().nth(*number - 1).or_else(further).copied()
                };
                // what was asked for once before, in the same words, is asked for no more
                let passed = same
                    .iter()
                    .filter(|before| config.is_passing && before.is_passing)
                    .chain(&before);
                Pair {
                    before,
                    is_untouched: passed
                        .into_iter()
                        .any(|before| config.is_untouched_since(before, &alike)),
                }
            })
            .collect()
    }
}

fn key(release: &Release) -> (&str, &str, Option<&str>) {
    let Release {
        cluster: _,
        namespace,
        name,
        item,
    } = release;
    (namespace, name, item.as_deref())
}

/// Whether two releases of one name are in one cluster, as far as can be told: Argo CD knows a
/// cluster by address or by name, and nobody here knows which belong together.
fn may_be_one(now: &Release, before: &Release) -> bool {
    let is_name = |release: &Release| {
        let cluster = release.cluster.as_deref();
        cluster.is_some_and(|cluster| cluster.starts_with("name "))
    };
    now.cluster == before.cluster || is_name(now) != is_name(before)
}
