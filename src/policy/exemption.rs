//! Exemptions: rules that are let off for some time, with somebody who answers for it.

use std::fmt;

use super::decode::{Field, PolicyError, hint};
use super::matching::Names;
use super::{Applicant, choice};
use crate::rules;

/// The word for all rules in exemptions.
pub(super) const EVERY_RULE: &str = "*";

/// Rules that are let off in some namespaces.
#[derive(Debug)]
pub struct Exemption {
    /// The rules; `*` for all of them.
    pub rules: Vec<Box<str>>,
    /// The namespaces, of the object or of the virtual cluster; `None` for all that the document
    /// is about. Of those to leave out it may be neither.
    pub namespaces: Option<Names>,
    /// The last day on which it counts, in UTC.
    pub until: Option<Date>,
    /// Who answers for it.
    pub owner: Box<str>,
    /// Why.
    pub reason: Box<str>,
}

/// A day, in UTC.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Date(time::Date);

impl Exemption {
    /// Whether it counts for an applicant, today. Where it is not known which day it is, it does.
    pub fn is_in_effect(&self, applicant: &Applicant<'_>) -> bool {
        let over =
            matches!((self.until, applicant.today), (Some(until), Some(today)) if today > until);
        let both = [applicant.namespace, applicant.target_namespace];
        let here = self.namespaces.as_ref().is_none_or(|Names { all, but }| {
            let among = |name: &str| all.as_ref().is_none_or(|all| all.matches(name));
            both.into_iter().any(among) && !both.into_iter().any(|name| but.matches(name))
        });
        here && !over
    }

    /// Whether it lets off a rule.
    pub fn is_about(&self, rule: &str) -> bool {
        let mut rules = self.rules.iter().map(|known| &**known);
        rules.any(|known| known == rule || known == EVERY_RULE)
    }

    /// How many days it still counts, today included; `None` without an end, and 0 when it is over.
    pub fn days_left(&self, today: Date) -> Option<i64> {
        let left = self.until?.0 - today.0;
        Some((left.whole_days() + 1).max(0))
    }
}

impl Date {
    /// The day of a moment.
    pub fn of(moment: time::OffsetDateTime) -> Self {
        Self(moment.to_offset(time::UtcOffset::UTC).date())
    }

    /// Reads `2027-03-31`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut next = |digits: usize| {
            let part = parts.next().filter(|part| part.len() == digits)?;
            let digits = part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse::<u16>().ok())?
        };
        let (year, month, day) = (next(4)?, next(2)?, next(2)?);
        if parts.next().is_some() {
            return None;
        }
        let month = time::Month::try_from(u8::try_from(month).ok()?).ok()?;
        let date = time::Date::from_calendar_date(year.into(), month, u8::try_from(day).ok()?);
        date.ok().map(Self)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.0.to_calendar_date();
        write!(f, "{year:04}-{:02}-{day:02}", u8::from(month))
    }
}

impl fmt::Display for Exemption {
    /// `exempt until 2027-03-31, platform@corp.example answers for it: migration, ticket 4711`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("exempt")?;
        if let Some(until) = self.until {
            write!(f, " until {until}")?;
        }
        write!(f, ", {} answers for it: {}", self.owner, self.reason)
    }
}

/// Reads one of `spec.exemptions`.
pub(super) fn read(field: &Field<'_>) -> Result<Exemption, PolicyError> {
    let fields = field.fields(&["rules", "namespaces", "until", "owner", "reason"])?;
    let ids = rules::RULES.iter().map(|rule| rule.id);
    let ids: Vec<_> = ids.chain([EVERY_RULE]).collect();
    let field = fields.required("rules")?;
    let mut exempt = Vec::new();
    for rule in field.items()? {
        let id = rule.string()?;
        if !ids.contains(&id) {
            return Err(rule.error(format!("unknown rule; {}", hint(id, &ids))));
        }
        exempt.push(id.into());
    }
    // of none nothing would be let off, and of all it is said by `*`
    if exempt.is_empty() {
        return Err(field.error("has to name at least one rule, or \"*\" for all"));
    }
    let until = match fields.get("until") {
        Some(until) => {
            let date = Date::parse(until.string()?);
            Some(date.ok_or_else(|| until.error("has to be a day, as 2027-03-31"))?)
        }
        None => None,
    };
    let words = |key| {
        let field = fields.required(key)?;
        match field.string()?.trim() {
            "" => Err(field.error("has to say something")),
            text => Ok(text.into()),
        }
    };
    Ok(Exemption {
        rules: exempt,
        namespaces: match fields.get("namespaces") {
            Some(namespaces) => Some(choice::read_names(&namespaces)?),
            None => None,
        },
        until,
        owner: words("owner")?,
        reason: words("reason")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::globs::Globs;

    #[test]
    fn the_last_day_counts() {
        let exemption = Exemption {
            rules: vec!["tag-form".into()],
            namespaces: Some(Names {
                all: Some(Globs::parse(["team-*"]).unwrap()),
                but: Globs::parse(["team-x"]).unwrap(),
            }),
            until: Date::parse("2027-03-31"),
            owner: "platform@corp.example".into(),
            reason: "migration".into(),
        };
        for (today, namespace, counts, left) in [
            ("2027-03-30", "team-a", true, 2),
            ("2027-03-31", "team-a", true, 1),
            ("2027-04-01", "team-a", false, 0),
            ("2027-03-31", "other", false, 1),
            ("2027-03-31", "team-x", false, 1),
        ] {
            let today = Date::parse(today).unwrap();
            let applicant = Applicant {
                namespace,
                today: Some(today),
                ..Applicant::default()
            };
            assert_eq!(
                exemption.is_in_effect(&applicant),
                counts,
                "{today} {namespace}"
            );
            assert_eq!(exemption.days_left(today), Some(left));
        }
        assert!(exemption.is_about("tag-form") && !exemption.is_about("registry-form"));
        let rules = vec!["tag-form".into(), EVERY_RULE.into()];
        let all = Exemption { rules, ..exemption };
        assert!(all.is_about("tag-form") && all.is_about("registry-form"));
    }

    #[test]
    fn dates_are_days_of_the_calendar() {
        assert_eq!(Date::parse("2028-02-29").unwrap().to_string(), "2028-02-29");
        for text in [
            "2027-02-29",
            "2027-3-31",
            "31.03.2027",
            "2027-03-31T00:00:00Z",
            "2027-13-01",
            "",
            "+027-03-01",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }
}
