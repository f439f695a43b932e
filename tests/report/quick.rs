//! How long a report takes with 100,000 holds.

use std::time::{Duration, Instant, SystemTime};

use beadle::policy::Policy;
use beadle::report::{Form, Period, Scope, Setting, Wanted, gather};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use crate::custody::new_hold;
use crate::sample::{moment, open, senders, zone};

/// A year of holds with sealed records of 1,500 bytes, by a rule that makes 40 kinds of them.
const FILL: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) \
    INSERT INTO hold (id, reference, received_at, size, state, rules, categories, kek, dek, record, blob, school, sender_group, sender, \
    severity, people, decided_at, decided_as, judgement) \
    SELECT printf('%016d', i), printf('%08d', i), ?1 - i * 300000000, 20000, \
    CASE WHEN i % 5 = 0 THEN 'held' WHEN i % 2 = 0 THEN 'released' ELSE 'refused' END, \
    CASE i % 4 WHEN 0 THEN '[\"body-name\"]' WHEN 1 THEN '[\"subject-name\",\"body-name\"]' WHEN 2 THEN '[\"medical\"]' \
    ELSE '[\"bank-details\",\"body-name\"]' END, \
    CASE i % 10 WHEN 0 THEN '[\"medical\"]' WHEN 1 THEN '[\"financial\",\"pupil-name\"]' ELSE '[\"pupil-name\"]' END, \
    'k', zeroblob(60), zeroblob(1500), printf('b%d', i), 's' || (i % 20), 'g' || (i % 7), i % 1500, \
    CASE i % 3 WHEN 0 THEN 'high' ELSE 'medium' END, i % 9, \
    CASE WHEN i % 5 THEN ?1 - i * 300000000 + (i % 4000) * 60000000 END, \
    CASE WHEN i % 5 = 0 THEN NULL WHEN i % 2 = 0 THEN 'released' ELSE 'refused' END, \
    CASE WHEN i % 6 = 0 THEN 'wrong' WHEN i % 2 = 0 THEN 'right' END FROM n";

#[tokio::test]
#[ignore = "a measurement: a year of 100,000 holds"]
async fn a_page_with_a_hundred_thousand_holds() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let options = SqliteConnectOptions::new().filename(folder.path().join("beadle.db"));
    let pool = SqlitePoolOptions::new()
        .connect_with(options)
        .await
        .unwrap();
    let now = SystemTime::now();
    let micros = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_micros();
    let begun = Instant::now();
    sqlx::query(FILL)
        .bind(i64::try_from(micros).unwrap())
        .execute(&pool)
        .await
        .unwrap();
    println!("filled in {:?}", begun.elapsed());
    pool.close().await;
    let begun = Instant::now();
    store.figures(now).await.unwrap();
    println!("first reading {:?}", begun.elapsed());
    let policy = Policy::embedded("standard").unwrap();
    let (senders, zone) = (senders(), zone());
    let setting = Setting {
        senders: &senders,
        policy: &policy,
        zone: &zone,
        now,
    };
    let scope = Scope::all(Period::ending(moment(now).date(), 365));
    for (name, wanted) in [
        ("summary", Wanted::Summary),
        ("near misses", Wanted::NearMisses),
        ("senders", Wanted::Senders),
        ("retention", Wanted::Retention { follow: false }),
    ] {
        // A hold comes in between, so that something is followed.
        let mut new = new_hold(name.len() as u8);
        new.received_at = now - Duration::from_secs(1);
        store.hold(new).await.unwrap();
        let begun = Instant::now();
        let figures = store.figures(now).await.unwrap();
        let followed = begun.elapsed();
        drop(figures);
        let begun = Instant::now();
        let report = gather(&store, setting, &scope, wanted).await.unwrap();
        let gathered = begun.elapsed();
        println!("{name}: followed in {followed:?}, gathered in {gathered:?}");
        for form in Form::ALL {
            let begun = Instant::now();
            let bytes = form.write(&report, moment(now)).unwrap();
            println!(
                "  {:<5} {:>8} bytes in {:?}",
                form.name(),
                bytes.len(),
                begun.elapsed()
            );
        }
    }
}
