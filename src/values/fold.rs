//! How Go's `encoding/json` compares the name of a field with a key: without regard to case.
//!
//! Mirrors the folding in `encoding/json/fold.go`. A field's name is ASCII, and to ASCII letters
//! two other characters are equal under Unicode's simple folding: U+212A (Kelvin sign) to `k`, and
//! U+017F (long s) to `s`. `ſync` in a config therefore sets `sync`.

/// Whether Go's JSON decoding takes `a` and `b` for the same field.
pub fn go_fold_eq(a: &str, b: &str) -> bool {
    a.chars().map(fold_char).eq(b.chars().map(fold_char))
}

/// The same text for every spelling that [`go_fold_eq`] holds equal.
pub(super) fn fold(text: &str) -> String {
    text.chars().map(fold_char).collect()
}

fn fold_char(c: char) -> char {
    match c {
        '\u{212a}' => 'k',
        '\u{17f}' => 's',
        _ => c.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_ascii_and_the_two_letters_that_equal_ascii() {
        assert!(go_fold_eq("controlPlane", "CONTROLplane"));
        assert!(go_fold_eq("sync", "\u{17f}ync"));
        assert!(go_fold_eq("k8s", "\u{212a}8S"));
        assert!(!go_fold_eq("sync", "syncs"));
        assert!(
            !go_fold_eq("ä", "Ä"),
            "other letters never equal a field's ASCII name"
        );
        assert_eq!(fold("\u{212a}8\u{17f}"), "k8s");
    }
}
