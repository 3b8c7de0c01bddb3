//! What the API server's answers say, without asking.

use std::time::SystemTime;

use hyper::header::{DATE, WARNING};
use kube::core::ObjectMeta;
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::super::ask::Reply;
use super::super::seen::Seen;
use super::super::snapshot::{Answer, Workload};

/// What `/version` says.
#[derive(Deserialize)]
pub(super) struct Version {
    minor: String,
    #[serde(rename = "gitVersion")]
    pub(super) git_version: String,
}

impl Version {
    /// Some providers write `28+`.
    pub(super) fn minor(&self) -> u32 {
        let digits = self.minor.trim_end_matches(|c: char| !c.is_ascii_digit());
        digits.parse().unwrap_or(0)
    }
}

/// The metadata of any object.
#[derive(Deserialize)]
pub(super) struct Meta {
    pub(super) metadata: ObjectMeta,
}

impl Meta {
    pub(super) fn workload(self, kind: &str) -> Workload {
        let ObjectMeta {
            name,
            namespace,
            labels,
            ..
        } = self.metadata;
        let chart = labels.and_then(|mut labels| labels.remove("chart"));
        Workload {
            object: format!(
                "{kind} {}/{}",
                namespace.unwrap_or_default(),
                name.unwrap_or_default()
            ),
            chart: chart.unwrap_or_default(),
        }
    }
}

/// An object of a list, which has no kind there.
pub(super) fn named(mut object: Value, kind: &str) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.insert("kind".to_owned(), kind.into());
    }
    object
}

pub(super) fn date(reply: &Reply) -> Option<OffsetDateTime> {
    let date = reply.headers.get(DATE)?.to_str().ok()?;
    let date: SystemTime = httpdate::parse_http_date(date).ok()?;
    Some(date.into())
}

/// What was said to a canary; nothing where the API server does not have the kind.
pub(super) fn told(reply: &Reply) -> Seen<Answer> {
    let message = reply.message();
    if reply.code == 404 && !message.starts_with("namespaces ") {
        return Seen::Absent;
    }
    let warnings = reply.headers.get_all(WARNING).into_iter();
    let warnings = warnings.filter_map(|one| Some(warning(one.to_str().ok()?)));
    let object: Option<Meta> = serde_json::from_slice(&reply.body).ok();
    Seen::Is(Answer {
        code: reply.code,
        message,
        warnings: warnings.collect(),
        annotations: object
            .and_then(|one| one.metadata.annotations)
            .unwrap_or_default(),
    })
}

/// The text of `299 - "text"`.
fn warning(header: &str) -> String {
    let text = header.split_once('"').map_or(header, |(_, text)| text);
    let text = text.strip_suffix('"').unwrap_or(text);
    text.replace("\\\"", "\"").replace("\\\\", "\\")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_clock_is_the_api_servers() {
        let mut reply = Reply::of(200, &json!({}));
        assert_eq!(date(&reply), None);
        let header = "Thu, 26 Nov 2026 20:32:22 GMT".parse().unwrap();
        reply.headers.insert(DATE, header);
        assert_eq!(date(&reply).unwrap().unix_timestamp(), 1_795_725_142);
    }

    #[test]
    fn versions_of_providers_are_read() {
        for (minor, expected) in [("20", 20), ("28+", 28), ("", 0)] {
            let version = Version {
                minor: minor.to_owned(),
                git_version: String::new(),
            };
            assert_eq!(version.minor(), expected);
        }
    }

    #[test]
    fn a_kind_that_is_not_there_is_told_from_a_namespace_that_is_not() {
        let status = |message: &str| json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message});
        let absent = status("the server could not find the requested resource");
        assert_eq!(told(&Reply::of(404, &absent)), Seen::Absent);
        assert_eq!(
            told(&Reply::of(404, &json!("404 page not found"))),
            Seen::Absent
        );
        let namespace = told(&Reply::of(404, &status("namespaces \"x\" not found")));
        assert_eq!(
            namespace.is().unwrap().message,
            "namespaces \"x\" not found"
        );
    }

    #[test]
    fn warnings_are_unquoted() {
        assert_eq!(warning(r#"299 - "a \"b\" c""#), r#"a "b" c"#);
        assert_eq!(warning("299 - x"), "299 - x");
    }
}
