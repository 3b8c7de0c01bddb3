//! Until when an answer is of use.
//!
//! The API server says with `?timeout=` how long it waits, as Go writes durations
//! (`apimachinery/pkg/util/webhook`, `dispatcher.go`: `Timeout(...)`, `time.Duration.String`). What
//! is not said, or not understood, is no error: then the longest time counts that there is.

use std::time::Duration;

use axum::http::Uri;
use tokio::time::Instant;

use super::limits::Limits;

/// When a request has to be answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Deadline {
    at: Instant,
    /// What the client waits, or what it is taken to wait.
    timeout: Duration,
    retry_after: Duration,
}

impl Deadline {
    /// The deadline of a request that has just come in.
    pub(super) fn of(uri: &Uri, limits: &Limits) -> Self {
        let named = uri.query().and_then(named_timeout);
        let timeout = named
            .filter(|timeout| !timeout.is_zero())
            .map_or(limits.review, |timeout| timeout.min(limits.review));
        Self {
            at: Instant::now() + timeout.saturating_sub(limits.margin.min(timeout / 10)),
            timeout,
            retry_after: Duration::from_secs(limits.retry_after.into()),
        }
    }

    /// When the answer has to be ready.
    pub(super) const fn at(self) -> Instant {
        self.at
    }

    /// How long the client waits in all.
    pub(super) const fn timeout(self) -> Duration {
        self.timeout
    }

    /// Whether the client would have time left after having been told to ask again.
    pub(super) fn leaves_time_to_retry(self) -> bool {
        self.at.saturating_duration_since(Instant::now()) > self.retry_after
    }
}

/// The value of `timeout` in a query.
fn named_timeout(query: &str) -> Option<Duration> {
    let value = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("timeout="))?;
    go_duration(value)
}

/// Reads a duration as Go writes it: `5s`, `1m30s`, `1.5s`, `500ms`. No sign: what is negative is
/// no time to wait.
pub fn go_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit() || c == '.')?;
        let (unit, after) = split(after, |c| !c.is_ascii_digit() && c != '.')?;
        let seconds_each = match unit {
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        let seconds = number.parse::<f64>().ok()? * seconds_each;
        sum = sum.checked_add(Duration::try_from_secs_f64(seconds).ok()?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(sum)
}

/// The longest start, of at least one character, that a test allows; and the rest.
fn split(text: &str, allowed: impl Fn(char) -> bool) -> Option<(&str, &str)> {
    let end = text.find(|c| !allowed(c)).unwrap_or(text.len());
    text.split_at_checked(end)
        .filter(|(start, _)| !start.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, milliseconds) in [
            ("5s", 5_000),
            ("10s", 10_000),
            ("1m0s", 60_000),
            ("1m30s", 90_000),
            ("1h0m0.5s", 3_600_500),
            ("1.5s", 1_500),
            ("500ms", 500),
            ("2000µs", 2),
            ("3000us", 3),
            ("4000000ns", 4),
            ("0s", 0),
            ("0", 0),
        ] {
            let read = go_duration(text).map(|read| read.as_millis());
            assert_eq!(read, Some(milliseconds), "{text}");
        }
        for text in [
            "",
            "5",
            "s",
            "5 s",
            "-5s",
            "+5s",
            "5x",
            "5s3",
            "1..5s",
            ".s",
            "1e9s",
            "5S",
            "inf",
            "99999999999999999999999h",
        ] {
            assert_eq!(go_duration(text), None, "{text}");
        }
    }

    /// Milliseconds that a request with this query has, and whether it may be told to ask again.
    fn of(query: &str) -> (u128, u128, bool) {
        let uri: Uri = format!("/validate{query}").parse().unwrap();
        let deadline = Deadline::of(&uri, &Limits::DEFAULT);
        let left = deadline.at() - Instant::now();
        (
            deadline.timeout().as_millis(),
            left.as_millis(),
            deadline.leaves_time_to_retry(),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn a_margin_is_kept_back() {
        for (query, expected) in [
            ("?timeout=5s", (5_000, 4_500, true)),
            ("?timeout=10s", (10_000, 9_500, true)),
            ("?dryRun=All&timeout=2s", (2_000, 1_800, true)),
            ("?timeout=1s", (1_000, 900, false)),
            ("?timeout=10ms", (10, 9, false)),
            ("?timeout=10m0s", (30_000, 29_500, true)),
            ("", (30_000, 29_500, true)),
            ("?timeout=", (30_000, 29_500, true)),
            ("?timeout=soon", (30_000, 29_500, true)),
            ("?timeout=0s", (30_000, 29_500, true)),
            ("?xtimeout=1s", (30_000, 29_500, true)),
        ] {
            assert_eq!(of(query), expected, "{query}");
        }
    }
}
