use super::*;

const LIMITS: Limits = Limits {
    handshake: Duration::from_secs(20),
    idle: Duration::from_mins(2),
    head: Duration::from_secs(10),
    unread: Duration::from_secs(30),
    ..Limits::DEFAULT
};

/// What expires next and how many seconds from now.
async fn next(watchdog: &mut Watchdog) -> (Expired, u64) {
    let start = Instant::now();
    (watchdog.expired().await, start.elapsed().as_secs())
}

fn greeted() -> (Activity, Watchdog) {
    let (activity, watchdog) = Activity::new(&LIMITS);
    activity.greeted();
    (activity, watchdog)
}

#[tokio::test(start_paused = true)]
async fn a_handshake_has_its_time() {
    let (activity, mut watchdog) = Activity::new(&LIMITS);
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(next(&mut watchdog).await, (Expired::Handshake, 15));
    activity.greeted();
    assert_eq!(next(&mut watchdog).await, (Expired::Idle, 120));
}

#[tokio::test(start_paused = true)]
async fn a_head_has_its_time_from_its_first_byte_only() {
    let (activity, mut watchdog) = greeted();
    tokio::time::advance(Duration::from_secs(100)).await;
    activity.received();
    tokio::time::advance(Duration::from_secs(4)).await;
    activity.received();
    assert_eq!(next(&mut watchdog).await, (Expired::Head, 6));
}

#[tokio::test(start_paused = true)]
async fn a_waiting_watchdog_notices_the_first_byte() {
    let (activity, mut watchdog) = greeted();
    let waiting = tokio::spawn(async move { next(&mut watchdog).await });
    tokio::time::sleep(Duration::from_mins(1)).await;
    activity.received();
    assert_eq!(waiting.await.unwrap(), (Expired::Head, 70));
}

#[tokio::test(start_paused = true)]
async fn the_idle_time_starts_after_the_last_request() {
    let (activity, mut watchdog) = greeted();
    activity.received();
    let first = activity.request();
    let second = activity.request();
    activity.received();
    drop(first);
    tokio::time::timeout(Duration::from_secs(1_000), watchdog.expired())
        .await
        .unwrap_err();
    drop(second);
    assert_eq!(next(&mut watchdog).await, (Expired::Idle, 120));
}

#[tokio::test(start_paused = true)]
async fn an_answer_has_to_be_read_whatever_else_is_asked() {
    let (activity, mut watchdog) = greeted();
    drop(activity.request());
    activity.unread(true);
    let _next = activity.request();
    tokio::time::advance(Duration::from_secs(7)).await;
    assert_eq!(next(&mut watchdog).await, (Expired::Unread, 23));
    activity.unread(false);
    tokio::time::timeout(Duration::from_secs(1_000), watchdog.expired())
        .await
        .unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn one_answer_after_the_other_has_to_be_taken() {
    let (activity, mut watchdog) = greeted();
    let first = activity.answer();
    tokio::time::advance(Duration::from_secs(20)).await;
    let second = activity.answer();
    tokio::time::advance(Duration::from_secs(5)).await;
    drop(first);
    assert_eq!(next(&mut watchdog).await, (Expired::Unread, 30));
    drop(second);
    assert_eq!(next(&mut watchdog).await, (Expired::Idle, 65));
}

#[tokio::test(start_paused = true)]
async fn who_gives_least_is_told_from_who_gives_more() {
    let (activity, _watchdog) = Activity::new(&LIMITS);
    let standing = || activity.standing().map(|(standing, _)| standing);
    assert_eq!(standing(), Some(Standing::Owing));
    activity.greeted();
    assert_eq!(standing(), Some(Standing::Unused));
    activity.received();
    assert_eq!(standing(), Some(Standing::Owing));
    let request = activity.request();
    assert_eq!(standing(), None);
    activity.unread(true);
    assert_eq!(standing(), None);
    drop(request);
    assert_eq!(standing(), Some(Standing::Owing));
    activity.unread(false);
    assert_eq!(standing(), Some(Standing::Idle));
    assert!(activity.evict());
    assert_eq!(standing(), None);
}

#[tokio::test(start_paused = true)]
async fn a_body_has_to_come_at_a_rate() {
    let limits = Limits {
        body_rate: 100,
        ..LIMITS
    };
    let (activity, _watchdog) = greeted();
    let late = || {
        let (standing, since) = activity.standing()?;
        Some((standing, since.elapsed().as_secs()))
    };
    let request = activity.request();
    assert_eq!(late(), None);
    tokio::time::advance(Duration::from_secs(5)).await;
    let body = activity.body(&limits);
    assert_eq!(late(), Some((Standing::Owing, 0)));
    tokio::time::advance(Duration::from_secs(5)).await;
    body.received(200);
    assert_eq!(late(), Some((Standing::Owing, 3)));
    body.received(10_000);
    assert_eq!(late(), Some((Standing::Owing, 0)), "nothing is saved up");
    let second = activity.request();
    assert!(late().is_none() && !activity.evict(), "one is answered");
    let next = activity.body(&limits);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(late(), Some((Standing::Owing, 1)));
    drop((next, second));
    drop(body);
    assert!(late().is_none() && !activity.evict());
    drop(request);
    assert_eq!(late(), Some((Standing::Idle, 0)));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_after_all_saves_its_connection() {
    let limits = Limits {
        body_rate: 100,
        grace: Duration::from_secs(2),
        ..LIMITS
    };
    let (activity, _watchdog) = greeted();
    let _request = activity.request();
    let body = activity.body(&limits);
    let late = async || {
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(activity.evict());
    };
    late().await;
    body.received(500);
    assert!(activity.is_unwanted(), "still five seconds behind");
    body.received(400);
    assert!(!activity.is_unwanted());
    late().await;
    drop(body);
    assert!(!activity.is_unwanted(), "it has come in whole");
}

#[tokio::test(start_paused = true)]
async fn a_request_saves_a_connection_that_has_not_ended() {
    let (activity, mut watchdog) = greeted();
    assert!(activity.evict());
    let evicted = Expired::Evicted { is_idle: true };
    assert_eq!(next(&mut watchdog).await, (evicted, 0));
    activity.received();
    let evicted = Expired::Evicted { is_idle: false };
    assert_eq!(next(&mut watchdog).await, (evicted, 0));
    let request = activity.request();
    assert!(!activity.evict());
    drop(request);
    assert_eq!(next(&mut watchdog).await, (Expired::Idle, 120));
}
