//! The form of `spec.defaults`: what goes into configs.

use std::sync::Arc;

use super::choice::read_charts;
use super::decode::{Field, Fields, PolicyError, hint};
use super::spec::{Variant, Wishes};
use super::{Apply, DISTROS, Mode, On, Pin, TARGETS};
use crate::values::{Node, Path};
use crate::vcluster::{Catalogue, Range};

/// Reads `spec.defaults` of a document that is about these charts.
pub(super) fn read(
    field: &Field<'_>,
    charts: Option<&Range>,
    catalogue: &Catalogue,
) -> Result<Wishes, PolicyError> {
    let fields = field.fields(&[
        "on",
        "true",
        "apply",
        "mode",
        "into",
        "values",
        "variants",
        "pinChartDefaults",
    ])?;
    let mut wishes = Wishes::default();
    (wishes.on, wishes.apply) = read_when(field, &fields)?;
    if let Some(field) = fields.get("mode") {
        wishes.mode = Some(field.one_of(&[("Edit", Mode::Edit), ("Suggest", Mode::Suggest)])?);
    }
    if let Some(field) = fields.get("into") {
        let targets = field.some()?;
        let targets = targets.iter().map(|item| item.one_of(&TARGETS));
        wishes.into = Some(targets.collect::<Result<_, _>>()?);
    }
    if let Some(field) = fields.get("values") {
        wishes.values = read_leaves(&field, charts, catalogue)?;
    }
    if let Some(field) = fields.get("variants") {
        for item in field.items()? {
            wishes
                .variants
                .push(read_variant(&item, charts, catalogue)?);
        }
    }
    if let Some(field) = fields.get("pinChartDefaults") {
        let words = [("images", Pin::Images), ("resources", Pin::Resources)];
        let pins = field.items()?;
        let pins = pins.iter().map(|item| item.one_of(&words));
        wishes.pin = Some(pins.collect::<Result<_, _>>()?);
    }
    Ok(wishes)
}

fn read_variant(
    field: &Field<'_>,
    charts: Option<&Range>,
    catalogue: &Catalogue,
) -> Result<Variant, PolicyError> {
    let fields = field.fields(&["whenChart", "whenDistro", "on", "true", "apply", "values"])?;
    let own = read_charts(fields.get("whenChart"))?;
    let distro = match fields.get("whenDistro") {
        Some(distro) => Some(distro.one_of(&DISTROS)?),
        None => None,
    };
    let (on, apply) = read_when(field, &fields)?;
    if own.is_none() && distro.is_none() && on.is_none() && apply.is_none() {
        return Err(field
            .error("needs whenChart, whenDistro, on or apply; without them it belongs to values"));
    }
    let values = read_leaves(
        &fields.required("values")?,
        own.as_ref().or(charts),
        catalogue,
    )?;
    Ok(Variant {
        charts: own,
        distro,
        on,
        apply,
        values,
    })
}

/// When values go in, and over what.
fn read_when(
    field: &Field<'_>,
    fields: &Fields<'_>,
) -> Result<(Option<On>, Option<Apply>), PolicyError> {
    // YAML 1.1, and so Go and kubectl, read the key `on` as the boolean true
    let read_as_true = fields.get("true").map(|on| Field {
        path: field.path.key("on"),
        ..on
    });
    let on = match fields.get("on").or(read_as_true) {
        Some(on) => Some(on.one_of(&[("Create", On::Create), ("Always", On::Always)])?),
        None => None,
    };
    let words = [("Missing", Apply::Missing), ("Always", Apply::Always)];
    let apply = match fields.get("apply") {
        Some(apply) => Some(apply.one_of(&words)?),
        None => None,
    };
    Ok((on, apply))
}

/// The leaves of a piece of vcluster.yaml. Where it is for one known chart, that chart has to have
/// them; else some chart has to.
fn read_leaves(
    field: &Field<'_>,
    charts: Option<&Range>,
    catalogue: &Catalogue,
) -> Result<Vec<(Path, Arc<Node>)>, PolicyError> {
    let fixed = charts
        .and_then(Range::exact)
        .and_then(|chart| catalogue.get(chart));
    let schemas: Vec<_> = match fixed {
        Some(block) => vec![&block.fields],
        None => catalogue
            .blocks()
            .iter()
            .map(|block| &block.fields)
            .collect(),
    };
    let mut leaves = Vec::new();
    read_values(field, &Path::root(), &schemas, &mut leaves)?;
    Ok(leaves)
}

/// The leaves of a piece of vcluster.yaml, each of which some chart has to accept.
fn read_values(
    field: &Field<'_>,
    values_path: &Path,
    schemas: &[&crate::vcluster::Field],
    leaves: &mut Vec<(Path, Arc<Node>)>,
) -> Result<(), PolicyError> {
    use crate::vcluster::{Field as Schema, FieldType};

    let maps: Vec<_> = schemas
        .iter()
        .filter_map(|schema| match schema {
            Schema::Map { fields, .. } => Some(fields),
            Schema::Leaf(_) => None,
        })
        .collect();
    let open = schemas.contains(&&Schema::Leaf(FieldType::Object));
    if open {
        flatten(field.node, values_path, leaves);
        return Ok(());
    }
    if maps.is_empty() {
        let fits = schemas.iter().any(|schema| schema.takes(&field.node.data));
        if !fits && schemas.contains(&&Schema::Leaf(FieldType::String)) {
            field.string()?;
        }
        if !fits {
            let wanted = schemas.iter().find_map(|schema| match schema {
                Schema::Leaf(kind) => Some(kind.words()),
                Schema::Map { .. } => None,
            });
            return Err(field.error(format!("has to be {}", wanted.unwrap_or("a map"))));
        }
        leaves.push((values_path.clone(), Arc::new(field.node.clone())));
        return Ok(());
    }
    for (key, entry, path) in field.entries()? {
        let below: Vec<_> = maps.iter().filter_map(|fields| fields.get(key)).collect();
        if below.is_empty() {
            let mut known: Vec<_> = maps
                .iter()
                .flat_map(|fields| fields.keys().map(|key| &**key))
                .collect();
            known.sort_unstable();
            known.dedup();
            let message = if values_path.steps().is_empty() {
                format!(
                    "defaults are known only for what is below {}",
                    known.join(" and ")
                )
            } else {
                format!("no vCluster chart has this field; {}", hint(key, &known))
            };
            return Err(PolicyError {
                at: entry.at,
                path,
                message,
            });
        }
        read_values(
            &Field {
                node: &entry.value,
                path,
            },
            &values_path.key(key),
            &below,
            leaves,
        )?;
    }
    Ok(())
}

/// The leaves inside a map that may hold anything.
fn flatten(node: &Node, path: &Path, leaves: &mut Vec<(Path, Arc<Node>)>) {
    match node.as_map() {
        Some(map) => {
            for (key, entry) in map {
                flatten(&entry.value, &path.key(key), leaves);
            }
        }
        None => leaves.push((path.clone(), Arc::new(node.clone()))),
    }
}
