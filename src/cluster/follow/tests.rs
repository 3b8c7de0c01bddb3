use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use hyper::{Request, Response};
use k8s_openapi::api::core::v1::Secret;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::*;
use crate::cluster::metadata::ChartLabels;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::Watch;

#[test]
fn pauses_grow_until_an_attempt_lasts() {
    let mut pauses = Pauses::default();
    let mut seconds = |lasted| pauses.next(Duration::from_secs(lasted)).as_secs();
    let at_once: Vec<_> = (0..8).map(|_| seconds(0)).collect();
    assert_eq!(at_once, [1, 2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(
        seconds(60),
        60,
        "a listing that works and a watch that does not"
    );
    assert_eq!(seconds(61), 1);
    assert_eq!(seconds(0), 2);
}

/// What an API server was asked, with the seconds since the beginning, and what came of its
/// answers, when it has no more.
/// A code of 0 is no answer.
async fn followed(
    answers: Vec<(u16, String)>,
    left_out: usize,
) -> (Vec<String>, Vec<String>, Health) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let answers = Arc::new(Mutex::new(answers.into_iter()));
    let done = Arc::new(Notify::new());
    let begun = Instant::now();
    let (log, over) = (Arc::clone(&asked), Arc::clone(&done));
    let service = tower::service_fn(move |request: Request<Body>| {
        let query = request.uri().query().unwrap_or_default();
        let query = query.trim_start_matches('&');
        let (seconds, more) = (begun.elapsed().as_secs(), answers.lock().unwrap().next());
        let over = Arc::clone(&over);
        if more.is_some() {
            log.lock().unwrap().push(format!("{seconds} s: {query}"));
        }
        async move {
            let Some((code, body)) = more else {
                over.notify_one();
                return std::future::pending().await;
            };
            if code == 0 {
                return std::future::pending().await;
            }
            let body = Body::from(body.into_bytes());
            let answer = Response::builder().status(code).body(body).unwrap();
            Ok::<_, Infallible>(answer)
        }
    });
    let client = Client::new(service, "default");
    let health = Health::new(Watch::Secrets, Metrics::new());
    let mut taken = Vec::new();
    let take = |events: Vec<Event<Metadata<ChartLabels>>>| {
        taken.extend(events.iter().map(|event| match event {
            Event::Init => "begin".to_owned(),
            Event::InitApply(object) => format!("listed {}", object.name.get().unwrap()),
            Event::InitDone => "end".to_owned(),
            Event::Apply(object) => format!("is {}", object.name.get().unwrap()),
            Event::Delete(object) => format!("gone {}", object.name.get().unwrap()),
        }));
        (0, left_out)
    };
    tokio::select! {
        never = follow::<Secret, _>(&client, "app=vcluster", &health, take) => match never {},
        () = done.notified() => {}
    }
    let asked = asked.lock().unwrap().clone();
    (asked, taken, health)
}

fn object(name: &str, version: &str) -> Value {
    let fat = json!({"fat": "x".repeat(10_000)});
    json!({"metadata": {"name": name, "resourceVersion": version, "annotations": fat}})
}

fn page(names: &[&str], token: &str) -> (u16, String) {
    let items: Vec<_> = names.iter().map(|name| object(name, "1")).collect();
    let metadata = json!({"continue": token, "resourceVersion": "7"});
    (
        200,
        json!({"metadata": metadata, "items": items}).to_string(),
    )
}

fn watched(lines: &[(&str, Value)]) -> (u16, String) {
    let lines = lines
        .iter()
        .map(|(kind, object)| format!("{}\n", json!({"type": kind, "object": object})));
    (200, lines.collect())
}

fn nothing_new() -> (u16, String) {
    watched(&[("BOOKMARK", json!({"metadata": {"resourceVersion": "7"}}))])
}

/// When each question was asked.
fn seconds(asked: &[String]) -> Vec<&str> {
    let seconds = asked.iter().map(|asked| asked.split_once(' ').unwrap().0);
    seconds.collect()
}

fn refused(code: u16) -> (u16, String) {
    let status = json!({"kind": "Status", "status": "Failure", "code": code,
        "reason": "", "message": format!("no: {code}")});
    (code, status.to_string())
}

const LIST: &str = "labelSelector=app%3Dvcluster&limit=50";

fn watch_from(version: u32) -> String {
    format!(
        "watch=true&timeoutSeconds=120&labelSelector=app%3Dvcluster\
         &allowWatchBookmarks=true&resourceVersion={version}"
    )
}

#[tokio::test(start_paused = true)]
async fn all_are_listed_page_by_page_and_a_watch_goes_on_where_it_ended() {
    let answers = vec![
        page(&["a", "b"], "more"),
        page(&["c"], ""),
        watched(&[("ADDED", object("d", "8")), ("DELETED", object("a", "9"))]),
        watched(&[("BOOKMARK", json!({"metadata": {"resourceVersion": "12"}}))]),
        watched(&[("ERROR", json!({"code": 410, "message": "too old"}))]),
        page(&["b"], ""),
    ];
    let (asked, taken, health) = followed(answers, 0).await;
    let expected = [
        format!("0 s: {LIST}"),
        format!("0 s: {LIST}&continue=more"),
        format!("0 s: {}", watch_from(7)),
        format!("1 s: {}", watch_from(9)),
        format!("2 s: {}", watch_from(12)),
        format!("3 s: {LIST}"),
    ];
    assert_eq!(asked, expected);
    let expected = [
        "begin", "listed a", "listed b", "listed c", "end", "is d", "gone a", "begin", "listed b",
        "end",
    ];
    assert_eq!(taken, expected);
    assert!(health.is_known(Instant::now()));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_listed_to_its_end_is_not_known_for_long() {
    let mut answers = vec![
        page(&["a", "gone"], ""),
        watched(&[("ERROR", json!({"code": 410, "message": "too old"}))]),
    ];
    for _ in 0..12 {
        answers.extend([page(&["a"], "more"), refused(500)]);
    }
    let (asked, _, health) = followed(answers, 0).await;
    assert_eq!(asked.len(), 26);
    assert!(!health.is_known(Instant::now()), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_cannot_go_on_is_told_at_once_and_pauses_grow() {
    let answers = vec![
        page(&["a"], ""),
        watched(&[("ADDED", object("b", "8"))]),
        refused(503),
        refused(429),
        page(&["a"], "more"),
        refused(500),
    ];
    let (asked, _, health) = followed(answers, 0).await;
    assert_eq!(seconds(&asked), ["0", "0", "1", "2", "4", "4"]);
    let says = health.says(Instant::now());
    assert_eq!(says, "0 known, not followed for 7 s: no: 500");
}

#[tokio::test(start_paused = true)]
async fn pauses_begin_anew_after_a_watch_that_lasted_and_not_after_a_slow_failure() {
    let silence = || (0, String::new());
    let mut answers = vec![silence(), page(&["a"], "more"), silence(), page(&["a"], "")];
    answers.extend((0..61).map(|_| nothing_new()));
    answers.extend([refused(503), page(&["a"], "")]);
    let (asked, ..) = followed(answers, 0).await;
    let seconds = seconds(&asked);
    // a minute of silence, a pause of 1 s, another minute, 2 s, 61 watches that end, 1 s
    assert_eq!(seconds[..5], ["0", "61", "61", "123", "123"]);
    assert_eq!(seconds[seconds.len() - 2..], ["184", "185"]);
}

#[tokio::test(start_paused = true)]
async fn all_are_listed_anew_after_a_while_where_objects_were_left_out() {
    for (left_out, lists) in [(0, 1), (1, 2)] {
        let mut answers = vec![page(&["a"], "")];
        answers.extend((0..602).map(|_| nothing_new()));
        answers.push(page(&["a"], ""));
        let (asked, ..) = followed(answers, left_out).await;
        let found = asked.iter().filter(|asked| asked.ends_with(LIST)).count();
        assert_eq!(found, lists, "{left_out} left out");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_metadata_is_not_quoted() {
    let other = json!({"metadata": {"name": ["hunter2"]}}).to_string();
    let (_, _, health) = followed(vec![(200, format!(r#"{{"items": [{other}]}}"#))], 0).await;
    let says = health.says(Instant::now());
    assert_eq!(
        says,
        "not known: the API server answers something else than metadata of objects"
    );
}
