//! The objects of a cluster, listed kind by kind.

use std::sync::Arc;

use anyhow::Context as _;
use kube::Client;

use super::Outcome;
use super::judge::Judge;
use super::progress::Progress;
use crate::cli::gate_args::GateArgs;
use crate::cluster::{ListError, Lister, Served, Survey, Unserved, resources, survey};

/// Judges every object of a cluster that may be a carrier, of some namespaces or of all. What may
/// not be listed is told, and the rest goes on.
pub(super) async fn scan(
    client: Client,
    page_size: u32,
    namespaces: &[String],
    gate: &GateArgs,
    outcome: &mut Outcome,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    let policy = gate.policy()?;
    let resources = resources(&policy)?;
    progress.begin("kinds");
    let Survey { served, unserved } = survey(&client, &resources).await?;
    for Unserved {
        group_version,
        error,
    } in unserved
    {
        outcome.could_not_read(group_version, &error.into());
    }
    let lister = Lister { client, page_size };
    let mut judge = Judge {
        policy,
        cluster: gate.cluster()?,
    };
    let labels = look_around(&lister, namespaces, gate, &mut judge).await?;
    let scopes: Vec<_> = match namespaces {
        [] => vec![None],
        some => some.iter().map(|name| Some(&**name)).collect(),
    };
    for served in served {
        for namespace in scopes
            .iter()
            .filter(|one| one.is_none() || served.is_namespaced)
        {
            list(&lister, &judge, &served, *namespace, outcome, progress).await;
        }
    }
    match labels {
        // nobody's choice depends on them
        Err(ListError::Refused(status)) if status.is_forbidden() && outcome.notes.is_empty() => {}
        Err(error) => outcome.could_not_read("namespaces", &error.into()),
        Ok(()) => {}
    }
    Ok(())
}

/// What is known of the cluster besides its carriers, where no flag says it; and whether the
/// labels of namespaces are.
async fn look_around(
    lister: &Lister,
    namespaces: &[String],
    gate: &GateArgs,
    judge: &mut Judge,
) -> anyhow::Result<Result<(), ListError>> {
    if gate.host_version.is_none() {
        let version = lister.version().await;
        judge.cluster.host_version = version.context("the API server's version")?;
    }
    if gate.namespace_labels.is_some() {
        return Ok(Ok(()));
    }
    Ok(match lister.labels(namespaces).await {
        Ok(labels) => {
            let labels = labels
                .into_iter()
                .map(|(name, labels)| (name, Arc::new(labels)));
            judge.cluster.namespace_labels = Arc::new(labels.collect());
            Ok(())
        }
        Err(error) => Err(error),
    })
}

async fn list(
    lister: &Lister,
    judge: &Judge,
    served: &Served,
    namespace: Option<&str>,
    outcome: &mut Outcome,
    progress: &mut Progress,
) {
    let place = namespace.map_or_else(String::new, |name| format!(" in {name}"));
    let what = format!("{}{place}", served.full_name());
    progress.begin(&what);
    let judged = lister.list(served, namespace, |item| {
        progress.one();
        let named = (item.namespace, item.name);
        Some(judge.judge(None, served.kind.clone(), named, item.object))
    });
    match judged.await {
        Ok(judged) => judged.into_iter().for_each(|one| outcome.take(one)),
        Err(error) => outcome.could_not_read(what, &error.into()),
    }
}
