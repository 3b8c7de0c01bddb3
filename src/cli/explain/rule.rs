//! `distrogate explain RULE`: a rule's page, which is also its file in `docs/rules/`.

use anyhow::Context as _;

use super::example::{Tried, policy_of, try_out};
use super::sheet::{Block, Sheet, cell};
use crate::cli::output;
use crate::policy::{Action, BUILT_IN, nearest};
use crate::rules::{Example, RULES, Rule};

/// The rule of a name, for the command line.
///
/// # Errors
/// There is no such rule; which is nearest, or what there is.
pub fn parse(name: &str) -> Result<&'static Rule, String> {
    let ids: Vec<_> = RULES.iter().map(|rule| rule.id).collect();
    RULES
        .into_iter()
        .find(|rule| rule.id == name)
        // what is no topic either comes here, too
        .ok_or_else(
            || match nearest(name, ids.iter().copied().chain(["config"])) {
                Some(near) => format!("there is no such rule or topic; did you mean {near}?"),
                None => format!("there is no such rule; there are {}", ids.join(", ")),
            },
        )
}

/// Prints a rule's page.
pub fn run(rule: &Rule) -> anyhow::Result<()> {
    output::print(&sheet(rule)?.text())?;
    Ok(())
}

/// What is to be said about a rule. What it answers to its example, it really answers.
///
/// # Errors
/// The examples do not show what they should.
pub fn sheet(rule: &Rule) -> anyhow::Result<Sheet> {
    let tried = try_out(rule).with_context(|| format!("the examples of {}", rule.id))?;
    let mut blocks = vec![
        Block::Item("About".to_owned(), sentence(rule.about)),
        Block::Item(
            "Action".to_owned(),
            format!("{}, unless a policy says otherwise.", rule.action.as_str()),
        ),
        Block::Item("On an update".to_owned(), on_update(rule).to_owned()),
        Block::Heading("Why".to_owned()),
        Block::Text(rule.page.why.to_owned()),
    ];
    refused(rule, &tried, &mut blocks);
    blocks.push(Block::Heading("Allowed".to_owned()));
    example(rule, &rule.page.allowed, &mut blocks);
    blocks.push(Block::Heading("What to do".to_owned()));
    blocks.push(Block::Text(rule.page.fix.to_owned()));
    settings(rule, &mut blocks);
    Ok(Sheet {
        title: rule.id.to_owned(),
        blocks,
    })
}

/// `docs/rules/README.md`: every rule in a line.
pub fn index() -> String {
    let lines = RULES.into_iter().map(|rule| {
        let id = rule.id;
        let (action, about) = (rule.action.as_str(), cell(rule.about));
        format!("| [{id}]({id}.md) | {action} | {about} |\n")
    });
    let above = "# Rules\n\n`distrogate explain RULE` prints these pages.\n\n\
                 | rule | action | about |\n|---|---|---|\n";
    std::iter::once(above.to_owned()).chain(lines).collect()
}

const fn on_update(rule: &Rule) -> &'static str {
    if rule.ratchet {
        "a fault that was there before is one step milder."
    } else {
        "nothing is milder, it judges the change itself."
    }
}

fn refused(rule: &Rule, tried: &Tried, blocks: &mut Vec<Block>) {
    let strictest = tried.refused.iter().map(|finding| finding.action).max();
    let heading = match strictest {
        Some(Action::Deny) => "Refused",
        Some(Action::Warn) => "Warned about",
        _ => "Written to the audit log",
    };
    blocks.push(Block::Heading(heading.to_owned()));
    example(rule, &rule.page.refused, blocks);
    blocks.push(Block::Text(format!("As {}, that gets:", tried.object)));
    blocks.push(Block::Code("", tried.told.clone()));
}

fn example(rule: &Rule, example: &Example, blocks: &mut Vec<Block>) {
    let Example {
        chart,
        values,
        before,
        policy: _,
        host,
    } = example;
    if let Some(policy) = policy_of(rule, example) {
        blocks.push(Block::Text("With this in the policy:".to_owned()));
        blocks.push(Block::Code("yaml", policy));
    }
    let under = match host {
        Some(host) => format!("Chart {chart} on a host with Kubernetes {host}"),
        None => format!("Chart {chart}"),
    };
    match before {
        Some(before) if before == values => {
            blocks.push(Block::Text(format!("{under}, before and after:")));
        }
        Some(before) => {
            blocks.push(Block::Text(format!("{under}, before:")));
            blocks.push(Block::Code("yaml", (*before).to_owned()));
            blocks.push(Block::Text("After:".to_owned()));
        }
        None => blocks.push(Block::Text(format!("{under}:"))),
    }
    blocks.push(Block::Code("yaml", (*values).to_owned()));
}

fn settings(rule: &Rule, blocks: &mut Vec<Block>) {
    blocks.push(Block::Heading("Settings".to_owned()));
    blocks.push(Block::Text(format!(
        "A policy sets them at `spec.rules.{}`:",
        rule.id
    )));
    blocks.push(Block::Item(
        "`action`".to_owned(),
        "`Deny`, `Warn`, `Audit` or `Disabled`.".to_owned(),
    ));
    for setting in rule.settings {
        let name = format!("`{}`", setting.key);
        blocks.push(Block::Item(name, sentence(setting.about)));
    }
    if let Some(lines) = built_in(rule) {
        blocks.push(Block::Text("The built-in policy says:".to_owned()));
        blocks.push(Block::Code("yaml", format!("spec:\n  rules:\n{lines}")));
    }
}

/// The lines of the built-in policy about a rule, with the comment above them.
pub fn built_in(rule: &Rule) -> Option<String> {
    let start = format!("    {}:", rule.id);
    let lines: Vec<&str> = BUILT_IN.split_inclusive('\n').collect();
    let at = lines.iter().position(|line| line.starts_with(&start))?;
    let (above, from) = lines.split_at_checked(at)?;
    let comment = above
        .iter()
        .rev()
        .take_while(|line| line.starts_with("    #"));
    let below = from
        .iter()
        .skip(1)
        .take_while(|line| line.starts_with("      "));
    let mut said: Vec<&str> = comment.copied().collect();
    said.reverse();
    said.extend(from.first());
    said.extend(below);
    Some(said.concat())
}

/// With a full stop at its end.
fn sentence(text: &str) -> String {
    let stop = if text.ends_with('.') { "" } else { "." };
    format!("{text}{stop}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_is_told_with_the_nearest() {
        assert_eq!(parse("tag-form").unwrap().id, "tag-form");
        assert_eq!(
            parse("tag-from").unwrap_err(),
            "there is no such rule or topic; did you mean tag-form?"
        );
        assert_eq!(
            parse("confg").unwrap_err(),
            "there is no such rule or topic; did you mean config?"
        );
        let unlike = parse("anything").unwrap_err();
        let all: Vec<_> = RULES.iter().map(|rule| rule.id).collect();
        assert_eq!(
            unlike,
            format!("there is no such rule; there are {}", all.join(", "))
        );
    }

    #[test]
    fn the_built_in_policy_is_quoted_with_its_comments() {
        let rule = parse("distro-change").unwrap();
        insta::assert_snapshot!(built_in(rule).unwrap(), @r#"
        # allow lists the changes that are let through, for example
        #   allow: [{from: k3s, to: k8s, charts: ">=0.25"}]
        distro-change: {action: Deny, allow: []}
        "#);
    }
}
