//! Registering metrics, and the page that is written from what is registered.

use std::fmt::{Debug, Write as _};
use std::hash::Hash;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

use super::sets::{ByEndpoint, Labels};
use super::table::Timers;

/// What all names begin with.
const PREFIX: &str = "distrogate";

/// What stands above the table.
const HEAD: &str = "\
# Metrics

<!-- Written by the program: `UPDATE_DOCS=1 cargo test metrics` writes it anew. -->

`distrogate serve` shows these at `/metrics` of its admin port (`--admin-listen`), in OpenMetrics where
the scraper asks for it, else in Prometheus' text format 0.0.4. Every label has a closed set of values;
the revision of the policy is the one exception, and there is one at a time. Nothing that a tenant writes
becomes a label.

[operating.md](operating.md) says what to do when an alert fires.

";

/// A metric, as the page tells of it.
#[derive(Debug)]
pub(super) struct Entry {
    /// As it is exposed.
    name: String,
    kind: &'static str,
    help: &'static str,
    /// Each label with its values.
    labels: Vec<(&'static str, Vec<&'static str>)>,
}

impl Entry {
    /// As it is exposed.
    #[cfg(test)]
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// The registry, and what was registered.
pub(super) struct Book {
    pub(super) registry: Registry,
    pub(super) entries: Vec<Entry>,
}

impl Book {
    pub(super) fn new() -> Self {
        Self {
            registry: Registry::with_prefix(PREFIX),
            entries: Vec::new(),
        }
    }

    pub(super) fn counter(&mut self, name: &str, help: &'static str) -> Counter {
        self.add::<(), _>(name, "_total", "counter", help, Counter::default())
    }

    pub(super) fn counters<L: Key>(
        &mut self,
        name: &str,
        help: &'static str,
    ) -> Family<L, Counter> {
        self.add::<L, _>(name, "_total", "counter", help, Family::default())
    }

    pub(super) fn gauge(&mut self, name: &str, help: &'static str) -> Gauge {
        self.add::<(), _>(name, "", "gauge", help, Gauge::default())
    }

    pub(super) fn gauge_f64(&mut self, name: &str, help: &'static str) -> Gauge<f64, AtomicU64> {
        self.add::<(), _>(name, "", "gauge", help, Gauge::default())
    }

    pub(super) fn gauges<L: Key>(&mut self, name: &str, help: &'static str) -> Family<L, Gauge> {
        self.add::<L, _>(name, "", "gauge", help, Family::default())
    }

    pub(super) fn timers(&mut self, name: &str, help: &'static str, timers: Timers) -> Timers {
        self.add::<ByEndpoint, _>(name, "", "histogram", help, timers)
    }

    /// What says something by its one label, the version.
    pub(super) fn info<const N: usize>(
        &mut self,
        name: &str,
        help: &'static str,
        info: Info<[(&'static str, &'static str); N]>,
    ) {
        self.registry.register(name, help, info);
        self.entries.push(Entry {
            name: format!("{PREFIX}_{name}_info"),
            kind: "info",
            help,
            labels: vec![("version", Vec::new())],
        });
    }

    fn add<L: Labels, M: Metric + Clone>(
        &mut self,
        name: &str,
        suffix: &str,
        kind: &'static str,
        help: &'static str,
        metric: M,
    ) -> M {
        self.registry.register(name, help, metric.clone());
        self.entries.push(Entry {
            name: format!("{PREFIX}_{name}{suffix}"),
            kind,
            help,
            labels: L::values(),
        });
        metric
    }
}

/// Labels that tell series apart.
pub(super) trait Key:
    Labels + EncodeLabelSet + Clone + Hash + Eq + Debug + Send + Sync + 'static
{
}

impl<L> Key for L where
    L: Labels + EncodeLabelSet + Clone + Hash + Eq + Debug + Send + Sync + 'static
{
}

/// The page: one section a metric.
pub(super) fn write(entries: &[Entry]) -> String {
    let mut page = HEAD.to_owned();
    for Entry {
        name,
        kind,
        help,
        labels,
    } in entries
    {
        let mut section = format!("## {name}\n\n{help}. ({kind})\n");
        for (label, values) in labels {
            let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
            let values = if values.is_empty() {
                "one at a time".to_owned()
            } else {
                values.join(", ")
            };
            // a String takes everything
            let _written = write!(section, "\n- `{label}`: {values}");
        }
        if !labels.is_empty() {
            section.push('\n');
        }
        page.push_str(&section);
        page.push('\n');
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}
