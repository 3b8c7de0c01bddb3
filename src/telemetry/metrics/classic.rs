//! OpenMetrics as Prometheus' text format 0.0.4, which every scraper and `promtool` reads.
//!
//! The two differ in the lines about a metric: 0.0.4 knows neither units nor the type `info`, and
//! calls a counter by the full name of its samples.

/// The same samples in the older format.
pub(super) fn of_open_metrics(text: &str) -> String {
    let mut classic = String::with_capacity(text.len());
    let mut help = None;
    for line in text.lines() {
        match line.strip_prefix("# ").map(|rest| rest.splitn(3, ' ')) {
            None => {
                classic.push_str(line);
                classic.push('\n');
            }
            Some(mut words) => match (words.next(), words.next(), words.next()) {
                // comes before the type, which says how the metric is called
                (Some("HELP"), Some(_), said) => help = Some(said.unwrap_or_default()),
                (Some("TYPE"), Some(name), Some(kind)) => {
                    let (suffix, kind) = match kind {
                        "counter" => ("_total", "counter"),
                        "info" => ("_info", "gauge"),
                        "unknown" => ("", "untyped"),
                        kind => ("", kind),
                    };
                    if let Some(help) = help.take() {
                        classic.extend(["# HELP ", name, suffix, " ", help, "\n"]);
                    }
                    classic.extend(["# TYPE ", name, suffix, " ", kind, "\n"]);
                }
                // units, and the end of the text
                _ => {}
            },
        }
    }
    classic
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_types_are_those_of_the_older_format() {
        let text = "# HELP a_reviews Reviews answered.\n# TYPE a_reviews counter\n\
                    a_reviews_total{x=\"1\"} 2\n\
                    # HELP a_build The program.\n# TYPE a_build info\na_build_info{version=\"1\"} 1\n\
                    # HELP a_time_seconds Time.\n# TYPE a_time_seconds histogram\n\
                    # UNIT a_time_seconds seconds\na_time_seconds_sum 0.0\n# EOF\n";
        assert_eq!(
            of_open_metrics(text),
            "# HELP a_reviews_total Reviews answered.\n# TYPE a_reviews_total counter\n\
             a_reviews_total{x=\"1\"} 2\n\
             # HELP a_build_info The program.\n# TYPE a_build_info gauge\n\
             a_build_info{version=\"1\"} 1\n\
             # HELP a_time_seconds Time.\n# TYPE a_time_seconds histogram\n\
             a_time_seconds_sum 0.0\n",
        );
    }
}
