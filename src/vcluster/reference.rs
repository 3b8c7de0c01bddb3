//! Image references, as container runtimes read them.
//!
//! Mirrors `ParseNormalizedNamed` of `github.com/distribution/reference`: a first part without a
//! dot or a colon is a folder on Docker Hub, and a name without a folder is one of its library.

use std::fmt;

/// An image reference, whole: with its host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reference {
    /// Host and port, in lower case; Docker Hub is `docker.io`.
    pub host: String,
    /// The repository on that host.
    pub repository: String,
    /// The tag, if there is one.
    pub tag: Option<String>,
    /// The digest, if there is one.
    pub digest: Option<String>,
}

impl Reference {
    /// Reads a reference; `None` where no runtime can pull it.
    pub fn parse(text: &str) -> Option<Self> {
        // the grammar's own bounds on name, tag and digest are below this one
        if text.len() > MAX_TEXT {
            return None;
        }
        let (host, rest) = split_host(text);
        let (named, digest) = split_option(rest, '@');
        let (repository, tag) = split_option(named, ':');
        let repository = if host == DOCKER_HUB && !repository.contains('/') {
            format!("library/{repository}")
        } else {
            repository.to_owned()
        };
        // with an underscore in it no host, and Go takes it all the same
        let valid = (is_host(&host) || is_path_component(&host))
            && repository.split('/').all(is_path_component)
            && host.len() + 1 + repository.len() <= MAX_NAME
            && tag.is_none_or(is_tag)
            && digest.is_none_or(is_digest);
        valid.then(|| Self {
            host,
            repository,
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }

    /// Host and repository.
    pub fn name(&self) -> String {
        format!("{}/{}", self.host, self.repository)
    }

    /// What patterns may be about: the name, with the tag, and with all that follows.
    pub fn forms(&self) -> [String; 3] {
        let untold = Self {
            digest: None,
            ..self.clone()
        };
        [self.name(), untold.to_string(), self.to_string()]
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            host,
            repository,
            tag,
            digest,
        } = self;
        write!(f, "{host}/{repository}")?;
        if let Some(tag) = tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// The host of a name, and what follows it: `rancher/k3s` is on Docker Hub.
pub fn split_host(name: &str) -> (String, &str) {
    match name.split_once('/') {
        Some((host, rest)) if is_told_as_host(host) => match &*host.to_ascii_lowercase() {
            "index.docker.io" => (DOCKER_HUB.to_owned(), rest),
            host => (host.to_owned(), rest),
        },
        _ => (DOCKER_HUB.to_owned(), name),
    }
}

/// Where names without a host are.
const DOCKER_HUB: &str = "docker.io";

const MAX_TEXT: usize = 512;

const MAX_NAME: usize = 255;

/// Whether the first part of a name is a host rather than a folder.
fn is_told_as_host(first: &str) -> bool {
    first.contains(['.', ':'])
        || first == "localhost"
        || first.contains(|c: char| c.is_ascii_uppercase())
}

fn split_option(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at)
        .map_or((text, None), |(before, after)| (before, Some(after)))
}

fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let Some((address, port)) = rest.split_once(']') else {
                return false;
            };
            let is_address =
                !address.is_empty() && address.chars().all(|c| c.is_ascii_hexdigit() || c == ':');
            (None, is_address.then_some(port))
        }
        None => match text.find(':').and_then(|at| text.split_at_checked(at)) {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(text), Some("")),
        },
    };
    let is_port = port.is_some_and(|port| {
        let digits = port.strip_prefix(':');
        port.is_empty()
            || digits.is_some_and(|digits| {
                !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
            })
    });
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    is_port && host.is_none_or(|host| host.split('.').all(is_label))
}

/// Lower-case letters and digits, with one `.`, one or two `_`, or some `-` between them.
fn is_path_component(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators: Vec<_> = text
        .split(plain)
        .filter(|piece| !piece.is_empty())
        .collect();
    text.starts_with(plain)
        && text.ends_with(plain)
        && separators.iter().all(|separator| {
            matches!(*separator, "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-')
        })
}

fn is_tag(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= 128
        && text.starts_with(word)
        && text.chars().all(|c| word(c) || c == '.' || c == '-')
}

fn is_digest(text: &str) -> bool {
    let Some((algorithm, hash)) = text.split_once(':') else {
        return false;
    };
    algorithm.split(['+', '.', '-', '_']).all(|part| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }) && hash.len() >= 32
        && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_made_whole() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        for (text, whole) in [
            ("k3s", "docker.io/library/k3s"),
            ("rancher/k3s:v1", "docker.io/rancher/k3s:v1"),
            ("index.docker.io/rancher/k3s", "docker.io/rancher/k3s"),
            ("docker.io/k3s", "docker.io/library/k3s"),
            ("GHCR.io/a/b:V1", "ghcr.io/a/b:V1"),
            ("localhost/a", "localhost/a"),
            ("r:5000/a/b:1", "r:5000/a/b:1"),
            ("[::1]:5000/a", "[::1]:5000/a"),
            ("localhost:5000", "docker.io/library/localhost:5000"),
            (
                &format!("a/b:v1@{digest}"),
                &format!("docker.io/a/b:v1@{digest}"),
            ),
            (&format!("r.io/a@{digest}"), &format!("r.io/a@{digest}")),
        ] {
            let parsed = Reference::parse(text).map(|reference| reference.to_string());
            assert_eq!(parsed.as_deref(), Some(whole), "{text}");
        }
    }

    #[test]
    fn what_no_runtime_can_pull_is_none() {
        for text in [
            "",
            "/",
            "a/",
            "/a",
            "a//b",
            "a/B",
            "A",
            "a:",
            "a:-1",
            "a b",
            "r.io:x/a",
            "r.io/../a",
            "-r.io/a",
            "a@sha256:00",
            "https://r.io/a",
            "a___b",
            "a.-b",
            "r.io/a:1:2",
            "a@b@c",
            "ä/b",
            &"a".repeat(513),
            &"a".repeat(250),
        ] {
            assert_eq!(Reference::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn patterns_may_be_about_the_name_the_tag_or_all() {
        let text = format!("r.io/a:v1@sha256:{}", "0".repeat(64));
        let forms = Reference::parse(&text).unwrap().forms();
        assert_eq!(forms, ["r.io/a", "r.io/a:v1", &text]);
    }
}
