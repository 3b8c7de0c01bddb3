//! Text of tenants, made fit to be shown.

/// A tenant's text without control characters, cut at `limit` characters.
pub fn printable(text: &str, limit: usize) -> String {
    let mut shown: String = text
        .chars()
        .filter(|c| !is_unprintable(*c))
        .take(limit.saturating_add(1))
        .collect();
    if shown.chars().count() > limit {
        shown.pop();
        shown.push('…');
    }
    shown
}

/// A key of a tenant's, for a path or message. A key that no schema has may be a slip that holds
/// a value (`token:hunter2`, without the space), so only what looks like a key is shown.
pub fn printable_key(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-/$".contains(c);
    if !key.is_empty() && key.len() <= 64 && key.chars().all(plain) {
        key.to_owned()
    } else {
        format!("(a key of {} characters)", key.chars().count())
    }
}

/// Control characters, and those that reorder or hide what follows in a terminal.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenants_text_is_stripped_and_cut() {
        assert_eq!(printable("a\u{202e}b\u{7}c", 10), "abc");
        assert_eq!(printable("abcdef", 3), "abc…");
    }

    #[test]
    fn a_key_is_shown_if_it_looks_like_one() {
        for key in ["k8s", "config.yaml", "nvidia.com/gpu", "a_b-c"] {
            assert_eq!(printable_key(key), key);
        }
        assert_eq!(printable_key("token:hunter2"), "(a key of 13 characters)");
        assert_eq!(printable_key("a\u{202e}b"), "(a key of 3 characters)");
        assert_eq!(printable_key(""), "(a key of 0 characters)");
    }
}
