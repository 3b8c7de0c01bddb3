//! Exemptions: rules that are let off for some time, with somebody who answers for it.

use std::fmt;

use super::Applicant;
use super::document::EVERY_RULE;
use crate::globs::Globs;

/// Rules that are let off in some namespaces.
#[derive(Debug)]
pub struct Exemption {
    /// The rules; `*` for all of them.
    pub rules: Vec<Box<str>>,
    /// The namespaces, of the object or of the virtual cluster; `None` for all that the document
    /// is about.
    pub namespaces: Option<Globs>,
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
        let here = self.namespaces.as_ref().is_none_or(|namespaces| {
            namespaces.matches(applicant.namespace)
                || namespaces.matches(applicant.target_namespace)
        });
        here && !over
    }

    /// Whether it lets off a rule.
    pub fn is_about(&self, rule: &str) -> bool {
        let is_it = |known: &Box<str>| **known == *rule || **known == *EVERY_RULE;
        self.rules.iter().any(is_it)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_day_counts() {
        let exemption = Exemption {
            rules: vec!["tag-form".into()],
            namespaces: Some(Globs::parse(["team-*"]).unwrap()),
            until: Date::parse("2027-03-31"),
            owner: "platform@corp.example".into(),
            reason: "migration".into(),
        };
        for (today, namespace, counts, left) in [
            ("2027-03-30", "team-a", true, 2),
            ("2027-03-31", "team-a", true, 1),
            ("2027-04-01", "team-a", false, 0),
            ("2027-03-31", "other", false, 1),
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
