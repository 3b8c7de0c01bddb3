//! The overlay of defaults and its guard.
//!
//! A default goes in only where nothing is set and nothing unknown could be set, only where every
//! chart that this may be has the field, and only if, with it in, whatever the user set is in
//! force as before. What Helm has rendered already is left alone, unless the policy asks. What went
//! in is ours: a review with another chart moves it, or takes it out.

mod guard;
mod pins;
mod planner;
mod record;

use serde_json::Value;

use crate::policy::{InForce, Target, Wish};
use crate::values::{Change, Data, Path};
use crate::vcluster::{
    Certainty, Completeness, Config, Operation, Presence, Reading, Subject, Tree,
};

pub use self::record::{Claims, Record};

/// What goes into one config, and out of it.
#[derive(Debug, Default)]
pub struct Plan {
    /// The edits, in the order of their paths.
    pub edits: Vec<Edit>,
    /// The values that are ours once the edits are made.
    pub record: Claims,
    /// The values that are ours if they are not made.
    pub kept: Claims,
    /// Why a default that the policy names stays out, in words for the user.
    pub left_out: Vec<String>,
    /// Defaults that the policy names, and for which a rendered workload has no place.
    pub placeless: Vec<Path>,
}

/// One default at one values path.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// Where.
    pub path: Path,
    /// What is done there.
    pub change: Change,
}

/// What is claimed to be ours in a config.
#[derive(Debug, Default)]
pub struct Claimed {
    /// By the old object, which only the API server and we could write.
    pub before: Claims,
    /// By the new object: a user may have written that.
    pub now: Claims,
}

/// Plans what goes into a config; nothing for a carrier that the policy does not want it to go
/// into, but that what is ours already moves with the chart. Into what Helm has rendered the policy's
/// values go, and nothing that is recorded.
pub fn plan(subject: &Subject<'_>, policy: &InForce, claimed: &Claimed) -> Plan {
    let Subject {
        operation,
        reading,
        is_template: _,
        completeness,
        renders_on: _,
        now: config,
        before,
        told_before: _,
        live: _,
    } = subject;
    let target = match reading {
        Reading::Helm => Target::Values,
        Reading::Pod => Target::Secret,
        Reading::Rendered => Target::Workload,
    };
    let goes_in = policy.defaults.into.contains(&target);
    if (target != Target::Values && !goes_in)
        || *completeness == Completeness::Fragment
        || config.chart.certainty() == Certainty::Legacy
        || config.has_unreadable()
    {
        // what cannot be read may be readable again with the next change
        let kept = claimed.before.clone();
        return Plan {
            record: kept.clone(),
            kept,
            ..Plan::default()
        };
    }
    let ours = still_there(config, &claimed.before);
    let chart_moved = before.as_ref().is_some_and(|before| {
        (before.chart.written(), before.chart.elsewhere())
            != (config.chart.written(), config.chart.elsewhere())
    });
    let create =
        goes_in && (*operation == Operation::Create || policy.defaults.goes_in_on_update());
    let moves = chart_moved && !claimed.before.is_empty();
    if !create && !moves {
        return Plan {
            record: ours.clone(),
            kept: ours,
            ..Plan::default()
        };
    }
    // what the new object claims is ours if it is what we would put in
    let mut mine = still_there(config, &claimed.now);
    if !mine.is_empty() {
        let without = config.without(mine.keys());
        let anew = planner::wanted(&without, policy, *operation, moves).values;
        mine.retain(|path, value| anew.get(path) == Some(value));
    }
    mine.extend(ours.clone());
    if !create && mine.is_empty() {
        return Plan::default();
    }
    let mut wanted = planner::wanted(&config.without(mine.keys()), policy, *operation, moves);
    if !goes_in {
        // what is ours moves with the chart, and nothing joins it
        wanted.values.retain(|path, _| mine.contains_key(path));
        wanted.left_out.clear();
    }
    let planner::Wanted {
        values,
        left_out,
        placeless,
    } = wanted;
    let kept = ours.clone();
    let mut edits = Vec::new();
    let mut record = Claims::new();
    for (path, value) in &values {
        if *reading == Reading::Helm && record::may_be_ours(path) {
            record.insert(path.clone(), value.clone());
        }
        if mine.get(path) != Some(value) {
            edits.push(Edit {
                path: path.clone(),
                change: Change::Set(value.clone()),
            });
        }
    }
    for (path, value) in ours {
        if values.contains_key(&path) {
            continue;
        }
        if chart_moved {
            edits.push(Edit {
                path,
                change: Change::Remove,
            });
        } else {
            record.insert(path, value);
        }
    }
    edits.sort_by(|a, b| a.path.cmp(&b.path));
    Plan {
        edits,
        record,
        kept,
        left_out,
        placeless,
    }
}

/// A config with those edits made that put in what the policy names, if there are any. The chart's
/// own defaults are in force as before when they are written out.
pub fn with_policys<'c>(
    config: &Config<'c>,
    edits: &[Edit],
    policy: &InForce,
) -> Option<Config<'c>> {
    let is_made = |wish: &&Wish| {
        let made = |value: &Value| *value == wish.node.to_json();
        edits.iter().any(|edit| {
            edit.path == wish.path && matches!(&edit.change, Change::Set(value) if made(value))
        })
    };
    let wishes = policy.defaults.values.iter().filter(is_made);
    let tree = wishes
        .map(|wish| planner::branch(&wish.path, &wish.node.data))
        .reduce(Tree::under)?;
    Some(config.with(&tree))
}

/// The claims whose value is still what is claimed.
fn still_there(config: &Config<'_>, claims: &Claims) -> Claims {
    let is_there = |path: &Path, value: &Value| {
        let keys = path.as_keys().unwrap_or_default();
        match config.user_presence(&keys) {
            Presence::Set(Some(known)) => match &known.data {
                Data::String(text) => value.as_str() == Some(text),
                _ => false,
            },
            _ => false,
        }
    };
    claims
        .iter()
        .filter(|(path, value)| is_there(path, value))
        .map(|(path, value)| (path.clone(), value.clone()))
        .collect()
}
