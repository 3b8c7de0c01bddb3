//! `distrogate policy show`: what is in force for one config, and which document says so.
//!
//! It is printed in the form of a policy: with the documents replaced by it, the same is in force
//! for the same config.

use anyhow::bail;
use clap::Args;
use serde_json::Value;

use super::branch::Branch;
use crate::carrier::Carrier;
use crate::cli::gate_args::GateArgs;
use crate::cli::output;
use crate::policy::{Applicant, Apply, Exemption, InForce, On, Pin, Policy, Wish};
use crate::rules::RULES;
use crate::values::in_line;
use crate::vcluster::{Catalogue, Chart, ChartSource, Distro, Range};

/// Arguments of `distrogate policy show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// Namespace of the object
    #[arg(long, value_name = "NAME", default_value = "")]
    pub namespace: String,

    /// Namespace of the virtual cluster; that of the object, if it is not given
    #[arg(long, value_name = "NAME")]
    pub target_namespace: Option<String>,

    /// Kind of object, as Secret or HelmRelease
    #[arg(long, value_name = "KIND", default_value = "")]
    pub carrier: String,

    /// vCluster chart version, or a range; without it as for a config whose chart is not known
    #[arg(long, value_name = "VERSION", value_parser = parse_chart)]
    pub chart: Option<String>,

    /// Who asks
    #[arg(long, value_name = "NAME", default_value = "")]
    pub user: String,

    /// A group of whoever asks; may be given several times
    #[arg(long, value_name = "NAME")]
    pub group: Vec<String>,

    /// What reviews are judged by.
    #[command(flatten)]
    pub gate: GateArgs,
}

/// Runs `distrogate policy show`.
pub(super) fn run(args: &ShowArgs) -> anyhow::Result<()> {
    let ShowArgs {
        namespace,
        target_namespace,
        carrier,
        chart,
        user,
        group,
        gate,
    } = args;
    let (policy, cluster) = (gate.policy()?, gate.cluster()?);
    let custom = policy.roads.custom.iter();
    let mut kinds: Vec<_> = custom
        .flat_map(|declared| declared.kinds.iter().map(|kind| &**kind))
        .chain(Carrier::kinds().into_iter().map(|(_, kind)| kind))
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    if !carrier.is_empty() && !kinds.contains(&&**carrier) {
        bail!("--carrier {carrier}: has to be one of {}", kinds.join(", "));
    }
    let source = chart.as_deref().map(ChartSource::version);
    let chart = Chart::resolve(&source.unwrap_or_default(), Catalogue::embedded());
    let groups: Vec<_> = group.iter().map(|group| group.as_str().into()).collect();
    let applicant = Applicant {
        namespace,
        target_namespace: target_namespace.as_ref().unwrap_or(namespace),
        labels: cluster.namespace_labels.get(namespace).map(AsRef::as_ref),
        carrier,
        chart: Some(&chart),
        user,
        groups: &groups,
        today: cluster.today,
    };
    output::print(&text(&policy, &applicant))?;
    Ok(())
}

/// What is in force, as a policy with comments.
fn text(policy: &Policy, applicant: &Applicant<'_>) -> String {
    let in_force = policy.in_force(applicant);
    let mut page = Page::default();
    head(&mut page, policy, applicant, &in_force);
    let enforced_by = in_force.enforced_by().unwrap_or("--enforcement");
    let enforcement = in_force.enforcement.as_str();
    page.line(1, format!("enforcement: {enforcement}"), enforced_by);
    chart(&mut page, policy, applicant);
    defaults(&mut page, &in_force);
    rules(&mut page, &in_force);
    exemptions(&mut page, &in_force);
    page.0
}

/// Lines of YAML, indented by steps of two columns.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    /// A line with the document that says so; without one, if that is empty.
    pub(super) fn line(&mut self, depth: usize, line: impl AsRef<str>, by: &str) {
        let comment = if by.is_empty() { "" } else { " # " };
        self.0 += &[
            "  ".repeat(depth).as_str(),
            line.as_ref(),
            comment,
            by,
            "\n",
        ]
        .concat();
    }

    fn comment(&mut self, what: &str, names: &[&str]) {
        if !names.is_empty() {
            self.0 += &["# ", what, ": ", &names.join(", "), "\n"].concat();
        }
    }
}

fn head(page: &mut Page, policy: &Policy, applicant: &Applicant<'_>, in_force: &InForce) {
    let count = policy.about(applicant);
    let unsure: Vec<_> = in_force.unsure.iter().map(|name| &**name).collect();
    let others = policy
        .names()
        .filter(|name| !count.contains(name) && !unsure.contains(name));
    page.comment("In force here, the first counts first", &count);
    page.comment("Not about this", &others.collect::<Vec<_>>());
    page.comment(
        "Cannot be told to count, and do not, as the labels of the namespace are not known",
        &unsure,
    );
    let carriers = policy.documents_with_carriers();
    page.comment(
        "Carriers of their own, which count everywhere and are not shown",
        &carriers.collect::<Vec<_>>(),
    );
    for line in [
        "apiVersion: distrogate.io/v1alpha1",
        "kind: DistroPolicy",
        "metadata: {name: in-force}",
        "spec:",
    ] {
        page.line(0, line, "");
    }
}

fn chart(page: &mut Page, policy: &Policy, applicant: &Applicant<'_>) {
    let fallback = policy.fallback_said(applicant);
    let paths: Vec<_> = policy.roads.chart_paths.patterns().collect();
    if fallback.is_none() && paths.is_empty() {
        return;
    }
    page.line(1, "chart:", "");
    if let Some((version, by)) = fallback {
        page.line(2, format!("fallback: \"{version}\""), by);
    }
    if !paths.is_empty() {
        let paths = in_line(&paths.into());
        page.line(2, format!("paths: {paths}"), "of all documents");
    }
}

fn rules(page: &mut Page, in_force: &InForce) {
    page.line(1, "rules:", "");
    for rule in RULES {
        let settings = in_force.settings(rule.id);
        let source = settings.source.as_ref().map(|source| source.to_json());
        let action = settings.action.unwrap_or(rule.action);
        let said = source.as_ref().and_then(Value::as_object);
        let said = said.into_iter().flatten().filter(|(key, value)| {
            // what is null is not said
            *key != "action" && !value.is_null()
        });
        let fields: Vec<_> = std::iter::once(format!("action: {}", action.as_str()))
            .chain(said.map(|(key, value)| format!("{key}: {}", in_line(value))))
            .collect();
        let mut by = in_force
            .said_by(rule.id)
            .unwrap_or("the rule itself")
            .to_owned();
        if in_force.action(rule) < action {
            by = format!("{by}; {} by enforcement", in_force.enforcement.as_str());
        }
        page.line(2, format!("{}: {{{}}}", rule.id, fields.join(", ")), &by);
    }
}

fn exemptions(page: &mut Page, in_force: &InForce) {
    if in_force.exemptions.is_empty() {
        return;
    }
    page.line(1, "exemptions:", "");
    for (exemption, document) in &in_force.exemptions {
        let Exemption {
            rules,
            namespaces,
            until,
            owner,
            reason,
        } = &**exemption;
        let mut fields = vec![("rules", as_list(rules.iter().map(|rule| &**rule)))];
        if let Some(namespaces) = namespaces {
            fields.push(("namespaces", as_list(namespaces.patterns())));
        }
        if let Some(until) = until {
            fields.push(("until", until.to_string().into()));
        }
        fields.push(("owner", (&**owner).into()));
        fields.push(("reason", (&**reason).into()));
        let fields = fields
            .iter()
            .map(|(key, value)| format!("{key}: {}", in_line(value)));
        let fields = fields.collect::<Vec<_>>().join(", ");
        page.line(1, format!("- {{{fields}}}"), &document.name);
    }
}

fn as_list<T: Into<Value>>(texts: impl Iterator<Item = T>) -> Value {
    texts.map(Into::into).collect()
}

fn defaults(page: &mut Page, in_force: &InForce) {
    let defaults = &in_force.defaults;
    let wishes = counting(&defaults.values);
    let [mode_by, into_by, pin_by] = defaults.said_by();
    // one document has one say on when and over what: that of most, and variants for the others
    let first = wishes.iter().find(|wish| wish.distro.is_none());
    let on = defaults.pin.first().map(|(_, on)| *on);
    let usual = Group {
        distro: None,
        on: on.or(first.map(|wish| wish.on)).unwrap_or_default(),
        apply: first.map(|wish| wish.apply).unwrap_or_default(),
    };
    page.line(1, "defaults:", "");
    page.line(2, format!("on: {}", usual.on.as_str()), "");
    page.line(2, format!("apply: {}", usual.apply.as_str()), "");
    page.line(
        2,
        format!("mode: {}", defaults.mode.as_str()),
        mode_by.unwrap_or("where no document says another"),
    );
    let into = defaults.into.iter().map(|target| target.as_str());
    page.line(
        2,
        format!("into: [{}]", into.collect::<Vec<_>>().join(", ")),
        into_by.unwrap_or("where no document says another"),
    );
    let mut groups = vec![(usual, Branch::default())];
    for wish in wishes {
        let group = Group {
            distro: wish.distro,
            on: wish.on,
            apply: wish.apply,
        };
        let mut same = groups.iter_mut().filter(|(known, _)| *known == group);
        if !same.any(|(_, branch)| branch.take(wish)) {
            let mut branch = Branch::default();
            branch.take(wish);
            groups.push((group, branch));
        }
    }
    let mut groups = groups.into_iter();
    if let Some((_, values)) = groups.next().filter(|(_, values)| !values.is_empty()) {
        page.line(2, "values:", "");
        values.print(page, 3);
    }
    let mut variants: Vec<_> = groups.collect();
    if !variants.is_empty() {
        page.line(2, "variants:", "");
    }
    // what counts for one distro says more than what counts for all
    variants.sort_by_key(|(group, _)| group.distro.is_none());
    for (group, values) in variants {
        let mut dash = "- ";
        let mut field = |page: &mut Page, line: String| {
            page.line(2, format!("{dash}{line}"), "");
            dash = "  ";
        };
        if let Some(distro) = group.distro {
            field(page, format!("whenDistro: {distro}"));
        }
        field(page, format!("on: {}", group.on.as_str()));
        field(page, format!("apply: {}", group.apply.as_str()));
        field(page, "values:".to_owned());
        values.print(page, 4);
    }
    let pins = defaults.pin.iter().map(|(pin, _)| Pin::as_str(*pin));
    let pins = pins.collect::<Vec<_>>().join(", ");
    page.line(
        2,
        format!("pinChartDefaults: [{pins}]"),
        pin_by.unwrap_or("where no document says another"),
    );
}

/// When, where and over what values go in.
#[derive(Clone, Copy, Eq, PartialEq)]
struct Group {
    distro: Option<Distro>,
    on: On,
    apply: Apply,
}

/// The wishes that can count: of several for one path and distro the first, and none behind one
/// for all distros.
fn counting(wishes: &[Wish]) -> Vec<&Wish> {
    let mut counting: Vec<&Wish> = Vec::new();
    for wish in wishes {
        let hides = |other: &&Wish| {
            other.path == wish.path && (other.distro.is_none() || other.distro == wish.distro)
        };
        if !counting.iter().any(hides) {
            counting.push(wish);
        }
    }
    counting
}

fn parse_chart(text: &str) -> Result<String, String> {
    match Range::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
