use super::*;
use crate::values::{Limits, read_yaml};

fn tree(text: &str, part: usize) -> Tree {
    let document = read_yaml(text.as_bytes(), &Limits::VALUES).unwrap();
    Tree::from_node(&document.root, &|at| Origin::Part(part, at))
}

fn get<'t>(tree: &'t Tree, path: &str) -> Lookup<'t> {
    tree.get(path.split('.'))
}

#[test]
fn a_users_null_deletes_the_charts_default_but_not_a_lower_layer_of_the_user() {
    let chart = tree("a: {b: 1, c: 2}", 0);
    let user = tree("a: null", 1).under(tree("a: {b: 3}", 2));
    let merged = chart.clone().coalesce(user);
    assert!(
        matches!(get(&merged, "a.c"), Lookup::Known(_)),
        "the chart's c is back"
    );
    let merged = chart.coalesce(tree("a: {b: null}", 1));
    assert_eq!(get(&merged, "a.b"), Lookup::Absent);
    assert!(matches!(get(&merged, "a.c"), Lookup::Known(_)));
}

#[test]
fn what_an_opaque_layer_could_set_and_none_above_sets_is_unknown() {
    let opaque = Tree::Unknown(Cause::Elsewhere("valuesFrom".into()));
    let user = opaque.under(tree("a: {b: {c: 1}, d: null}", 0));
    let merged = tree("a: {b: {e: 2}, d: 3}\nf: 4", 1).coalesce(user);
    assert!(matches!(get(&merged, "a.b.c"), Lookup::Known(_)));
    assert!(get(&merged, "a.b.e").is_unknown());
    assert!(get(&merged, "f").is_unknown());
    assert!(!get(&merged, "a.d").is_unknown(), "deleted for certain");
}

#[test]
fn an_opaque_layer_above_hides_only_its_path() {
    let mut user = tree("a: {b: 1, c: 2}", 0);
    user.obscure(&["a", "b"], &Cause::Elsewhere("targetPath".into()));
    user.obscure(&["x", "y"], &Cause::Elsewhere("targetPath".into()));
    assert!(get(&user, "a.b").is_unknown());
    assert!(get(&user, "x.y.z").is_unknown());
    assert!(matches!(get(&user, "a.c"), Lookup::Known(_)));
}

#[test]
fn defaults_of_several_charts_are_known_where_they_agree() {
    let merged = Tree::common(&[
        &tree("a: 1\nb: 1\nc: {d: 1}\ne: 1", 0),
        &tree("a: 1\nb: 2\nc: {d: 1}", 0),
    ]);
    assert!(matches!(get(&merged, "a"), Lookup::Known(_)));
    assert!(get(&merged, "b").is_unknown());
    assert!(get(&merged, "e").is_unknown(), "only one chart has it");
    assert!(matches!(get(&merged, "c.d"), Lookup::Known(_)));
}

#[test]
fn a_users_scalar_stays_where_the_chart_has_a_map() {
    let merged = tree("a: {b: 1}", 0).coalesce(tree("a: x", 1));
    assert_eq!(get(&merged, "a").str(), Some("x"));
}
