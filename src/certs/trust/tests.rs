//! Rotations, damage, and what time does to both.

use super::*;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const DAY: Duration = Duration::DAY;
const OVERLAP: Overlap = Overlap(DAY);

fn fresh() -> Trust {
    Trust::fresh(Vec::new(), NOW, OVERLAP).unwrap()
}

/// As a Secret keeps it.
fn again(trust: &Trust, now: OffsetDateTime) -> Result<(Trust, bool), Damage> {
    let mut annotations = BTreeMap::new();
    trust.annotate(&mut annotations);
    Trust::read(&trust.data(), &annotations, now)
}

#[test]
fn a_rotation_has_three_steps() {
    let mut trust = fresh();
    let first = trust.current.fingerprint();
    let step = |trust: &mut Trust, now, known| trust.step(now, OVERLAP, |_| known).unwrap();
    assert_eq!(step(&mut trust, NOW, true), None);

    trust.asked = Some("somebody".to_owned());
    assert_eq!(step(&mut trust, NOW, false), Some(Step::Staged));
    assert_eq!(trust.asked, None);
    let second = trust.next.as_ref().unwrap().fingerprint();
    assert_eq!(trust.current.fingerprint(), first);
    assert_eq!(trust.bundle().matches("BEGIN").count(), 2);

    // nobody is sure that it is known, so it does not sign, however long that takes
    assert_eq!(step(&mut trust, NOW + DAY, false), None);
    let (mut trust, flawed) = again(&trust, NOW).unwrap();
    assert!(!flawed);
    assert_eq!(step(&mut trust, NOW + DAY, true), Some(Step::Promoted));
    assert_eq!(trust.current.fingerprint(), second);
    assert!(trust.trusts(&first) && trust.trusts(&second));

    let (mut trust, _) = again(&trust, NOW + DAY).unwrap();
    let almost = NOW + DAY * 2 - Duration::SECOND;
    assert_eq!(step(&mut trust, almost, true), None);
    assert!(trust.trusts(&first));
    assert_eq!(step(&mut trust, NOW + DAY * 2, true), Some(Step::Dropped));
    assert!(!trust.trusts(&first));
    assert_eq!(step(&mut trust, NOW + DAY * 2, true), None);
}

#[test]
fn what_has_not_begun_does_not_sign_and_what_is_over_never_will() {
    let mut trust = fresh();
    let early = Authority::generate(NOW + DAY * 3).unwrap();
    trust.next = Some(Arc::new(early));
    assert_eq!(trust.step(NOW, OVERLAP, |_| true).unwrap(), None);
    let begun = NOW + DAY * 2;
    let step = trust.step(begun, OVERLAP, |_| true).unwrap();
    assert_eq!(step, Some(Step::Promoted));

    let over = Authority::generate(NOW - DAY * 3_650).unwrap();
    trust.next = Some(Arc::new(over));
    let step = trust.step(begun, OVERLAP, |_| true).unwrap();
    assert_eq!(step, Some(Step::Dropped));
}

#[test]
fn two_thirds_of_ten_years_are_enough() {
    let mut trust = fresh();
    let days = |days| NOW + DAY * days;
    assert_eq!(trust.step(days(2_432), OVERLAP, |_| true).unwrap(), None);
    assert_eq!(
        trust.step(days(2_434), OVERLAP, |_| true).unwrap(),
        Some(Step::Staged)
    );
}

#[test]
fn rotations_asked_for_wait_rather_than_forget_somebody() {
    let mut trust = fresh();
    for _ in 0..MAX_OLD {
        trust.asked = Some("x".to_owned());
        assert_eq!(
            trust.step(NOW, OVERLAP, |_| true).unwrap(),
            Some(Step::Staged)
        );
        assert_eq!(
            trust.step(NOW, OVERLAP, |_| true).unwrap(),
            Some(Step::Promoted)
        );
    }
    assert!(trust.bundle().len() < 16 << 10);
    trust.asked = Some("x".to_owned());
    assert_eq!(trust.step(NOW, OVERLAP, |_| true).unwrap(), None);
    let later = NOW + DAY;
    assert_eq!(
        trust.step(later, OVERLAP, |_| true).unwrap(),
        Some(Step::Dropped)
    );
    assert_eq!(
        trust.step(later, OVERLAP, |_| true).unwrap(),
        Some(Step::Staged)
    );
}

#[test]
fn where_there_is_no_room_the_oldest_goes_and_that_is_a_change() {
    let mut trust = fresh();
    let mut keep = |authority: &Authority| {
        let certificate = Certificate::read(authority.certificate().clone()).unwrap();
        let kept = trust.keep(certificate, NOW, OVERLAP);
        (
            kept,
            trust.old.len(),
            trust.trusts(&authority.fingerprint()),
        )
    };
    for number in 1..=MAX_OLD {
        let authority = Authority::generate(NOW).unwrap();
        assert_eq!(keep(&authority), (true, number, true));
    }
    let served = Authority::generate(NOW).unwrap();
    assert_eq!(keep(&served), (true, MAX_OLD, true));
    assert_eq!(keep(&served), (false, MAX_OLD, true));
}

#[test]
fn damage_is_told_apart_and_never_quoted() {
    let trust = fresh();
    let other = fresh();
    let with = |key: &str, value: Option<Vec<u8>>| {
        let mut data = trust.data();
        match value {
            Some(value) => data.insert(key.to_owned(), value),
            None => data.remove(key),
        };
        let read = Trust::read(&data, &BTreeMap::new(), NOW);
        read.map(|(_, flawed)| flawed)
            .map_err(|damage| damage.to_string())
    };
    let no = |text: &str| Err(text.to_owned());
    assert_eq!(with("ca.key", None), no("ca.key is missing"));
    assert_eq!(
        with("ca.crt", Some(b"SECRET".to_vec())),
        no("ca.crt and ca.key: the certificate is not one in PEM")
    );
    assert_eq!(
        with("ca.key", Some(other.current.key_pem().into())),
        no("ca.crt and ca.key: the key does not match the certificate")
    );
    assert_eq!(with("next.crt", Some(b"SECRET".to_vec())), Ok(true));
    assert_eq!(with("more", Some(b"SECRET".to_vec())), Ok(false));
    let over = NOW + DAY * 3_650;
    assert_eq!(again(&trust, over).unwrap_err(), Damage::Expired);
    let early = NOW - DAY * 2;
    assert_eq!(again(&trust, early).unwrap_err(), Damage::Early);
    assert!(again(&trust, NOW - DAY / 2).is_ok());
}

#[test]
fn what_is_lost_is_trusted_still() {
    let lost = fresh();
    let mut data = lost.data();
    data.remove("ca.key");
    let found = Trust::fresh(Trust::remains(&data), NOW, OVERLAP).unwrap();
    assert!(found.trusts(&lost.current.fingerprint()));
    // but not for ever, and never a stranger's
    assert_eq!(found.old_until, Some(NOW + DAY));
    let names = crate::certs::Names {
        dns: vec!["localhost".parse().unwrap()],
        ip: Vec::new(),
    };
    let leaf = lost.current.issue(&names, NOW, 1).unwrap();
    let stranger = Certificate::read(leaf.chain()[0].clone()).unwrap();
    let trust = Trust::fresh(vec![stranger], NOW, OVERLAP).unwrap();
    assert_eq!(trust.old, []);
}
