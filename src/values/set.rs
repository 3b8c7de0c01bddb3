//! Helm's `--set` grammar: `a.b=c,d.e\.f=1`.
//!
//! Mirrors `pkg/strvals` of Helm: dots part keys, a backslash escapes the next character, a comma
//! begins the next assignment, and a value is typed unless it is given by `--set-string`. What
//! assigns into a list, or a list, is told by its path only.

use super::{Data, Path};

/// How deep keys may nest (`strvals.MaxNestedNameLevel`).
const DEPTH: usize = 30;

/// One assignment.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The path of keys that is assigned to.
    pub path: Path,
    /// The value; `None` where only the path is known.
    pub value: Option<Data>,
}

/// Reads assignments. `None` if Helm would not read the text, or not for certain.
pub fn read_set(text: &str, typed: bool) -> Option<Vec<Assignment>> {
    let mut rest = text.chars();
    let mut assignments = Vec::new();
    loop {
        let mut path = Path::root();
        let stop = loop {
            let (key, stop) = until(&mut rest, &['=', '[', ',', '.']);
            match stop {
                // the end of the text is an end only where nothing was begun
                None if key.is_empty() && path.steps().is_empty() => return Some(assignments),
                None | Some(',') => return None,
                Some(_) if key.is_empty() || path.steps().len() > DEPTH => return None,
                Some(stop) => {
                    path = path.key(&key);
                    if stop != '.' {
                        break stop;
                    }
                }
            }
        };
        if stop == '[' || rest.as_str().starts_with('{') {
            // what follows is not read, so nothing can be said of assignments behind a comma
            return (!rest.as_str().contains(',')).then(|| {
                assignments.push(Assignment { path, value: None });
                assignments
            });
        }
        let (value, _) = until(&mut rest, &[',']);
        assignments.push(Assignment {
            path,
            value: Some(value_of(value, typed)),
        });
    }
}

/// The text up to one of the characters, which is taken too.
fn until(rest: &mut std::str::Chars<'_>, stops: &[char]) -> (String, Option<char>) {
    let mut text = String::new();
    while let Some(next) = rest.next() {
        if stops.contains(&next) {
            return (text, Some(next));
        }
        text.extend(if next == '\\' {
            rest.next()
        } else {
            Some(next)
        });
    }
    (text, None)
}

fn value_of(text: String, typed: bool) -> Data {
    if typed {
        for (word, data) in [
            ("true", Data::Bool(true)),
            ("false", Data::Bool(false)),
            ("null", Data::Null),
        ] {
            if text.eq_ignore_ascii_case(word) {
                return data;
            }
        }
        if (text == "0" || !text.starts_with('0'))
            && let Ok(number) = text.parse::<i64>()
        {
            return Data::from(number);
        }
    }
    Data::String(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<(String, String)>> {
        let shown = |value: &Option<Data>| {
            value
                .as_ref()
                .map_or("?".to_owned(), |value| value.to_json().to_string())
        };
        read_set(text, true).map(|assignments| {
            assignments
                .iter()
                .map(|one| (one.path.to_string(), shown(&one.value)))
                .collect()
        })
    }

    #[test]
    fn assignments_are_read_as_helm_reads_them() {
        for (text, expected) in [
            ("a.b=c", vec![("a.b", "\"c\"")]),
            ("a=TRUE,b=null", vec![("a", "true"), ("b", "null")]),
            (
                "a=1,b=01,c=0,d=-2,e=1.5",
                vec![
                    ("a", "1"),
                    ("b", "\"01\""),
                    ("c", "0"),
                    ("d", "-2"),
                    ("e", "\"1.5\""),
                ],
            ),
            (r"a\.b=c\,d", vec![("[a.b]", "\"c,d\"")]),
            ("a=", vec![("a", "\"\"")]),
            ("a=b=c", vec![("a", "\"b=c\"")]),
            ("a[0].b=c", vec![("a", "?")]),
            ("a.b={x}", vec![("a.b", "?")]),
            ("", vec![]),
        ] {
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(path, value)| (path.to_owned(), value.to_owned()))
                .collect();
            assert_eq!(read(text), Some(expected), "{text}");
        }
        let text = read_set("a=true", false).unwrap();
        assert_eq!(
            text[0].value,
            Some(Data::String("true".into())),
            "--set-string"
        );
    }

    #[test]
    fn what_helm_refuses_or_may_mean_more_is_not_read() {
        for text in [
            "a",
            "a.b",
            "a,b=1",
            "=1",
            "a..b=1",
            "a={x,y}",
            "a[0]=1,b=2",
            "a.=1",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(&format!("{}=1", vec!["a"; 40].join("."))), None);
    }
}
