//! What only a server of its own can show: a kill, a fork of the ledger by hand, settings that lose mail, a schema of tomorrow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use beadle::mail::QueueId;
use beadle::store::{Custody, HoldFilter, StoreError};
use rustix::process::{Pid, Signal};
use sqlx::postgres::PgPool;
use tokio::task::JoinSet;

use crate::fixtures::{id, new_hold, start};
use crate::place::Place;
use crate::servers::postgres::Postgres;

async fn raw(server: &Postgres, place: &Place) -> PgPool {
    let url = place
        .database
        .url
        .replace("beadle@", "beadle:not-a-secret@");
    assert!(url.contains(&server.port().to_string()));
    PgPool::connect(&url).await.unwrap()
}

fn numbered(worker: u8, step: u16) -> QueueId {
    let [high, low] = step.to_be_bytes();
    QueueId::from_random([worker, high, low, 1, 1, 1, 1, 1, 1, 1])
}

/// An immediate stop: every process of the server ends where it is. A killed postmaster alone lets the others finish what they do.
fn stop_at_once(server: &Postgres) {
    let file = server.socket_folder().join("data/postmaster.pid");
    let pid = std::fs::read_to_string(file).unwrap();
    let pid = pid.lines().next().unwrap().parse().unwrap();
    rustix::process::kill_process(Pid::from_raw(pid).unwrap(), Signal::QUIT).unwrap();
}

/// Holds message after message until it is stopped, and gives the ids that were answered and those that were not.
async fn hold_on(
    store: Custody,
    worker: u8,
    stop: Arc<AtomicBool>,
    failures: Arc<AtomicUsize>,
) -> (Vec<QueueId>, Vec<QueueId>) {
    let (mut kept, mut failed) = (Vec::new(), Vec::new());
    for step in 0..u16::MAX {
        let mut hold = new_hold(worker);
        hold.id = numbered(worker, step);
        hold.message = format!("Message-ID: <{worker}.{step}@trust.example>\r\n\r\nx\r\n").into();
        match store.hold(hold).await {
            Ok(held) => kept.push(held),
            Err(error) => {
                assert!(error.is_temporary(), "{error}");
                failed.push(numbered(worker, step));
                failures.fetch_add(1, Ordering::SeqCst);
            }
        }
        if stop.load(Ordering::SeqCst) {
            break;
        }
    }
    (kept, failed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_mid_load_it_keeps_what_it_promised_and_nodes_go_on() {
    let server = Postgres::own().await;
    let place = Place::on(&server).await;
    let nodes = [place.node(0).await, place.node(1).await];
    let stop = Arc::new(AtomicBool::new(false));
    let failures = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for worker in 0..8_u8 {
        let node = nodes[usize::from(worker % 2)].clone();
        tasks.spawn(hold_on(
            node,
            worker,
            Arc::clone(&stop),
            Arc::clone(&failures),
        ));
    }
    // Three times, and on until it came between a transaction and its answer.
    for round in 0..12 {
        if round >= 3 && failures.load(Ordering::SeqCst) > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
        stop_at_once(&server);
        tokio::time::sleep(Duration::from_millis(300)).await;
        tokio::task::block_in_place(|| server.restart());
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.store(true, Ordering::SeqCst);
    let (mut kept, mut failed) = (Vec::new(), Vec::new());
    for (good, bad) in tasks.join_all().await {
        kept.extend(good);
        failed.extend(bad);
    }
    assert!(
        kept.len() > 100 && !failed.is_empty(),
        "{} {}",
        kept.len(),
        failed.len()
    );
    let filter = HoldFilter {
        limit: 1_000_000,
        ..HoldFilter::default()
    };
    let there: Vec<QueueId> = nodes[0]
        .list_holds(filter)
        .await
        .unwrap()
        .into_iter()
        .map(|hold| hold.id)
        .collect();
    for id in &kept {
        assert!(there.contains(id), "{id} was promised");
        nodes[1].open_message(*id).await.unwrap();
    }
    // An id that is there and was not answered is one whose commit was answered into a broken connection; there are no others.
    for id in &there {
        assert!(
            kept.contains(id) || failed.contains(id),
            "{id} came from nowhere"
        );
    }
    let check = nodes[1].verify_ledger(None).await.unwrap();
    assert_eq!(
        (check.good, check.first_bad),
        (i64::try_from(there.len()).unwrap(), None)
    );
}

#[tokio::test]
async fn the_ledger_takes_nothing_back() {
    let server = Postgres::shared().await;
    let place = Place::on(server).await;
    let store = place.open().await;
    for byte in 1..=3 {
        store.hold(new_hold(byte)).await.unwrap();
    }
    let pool = raw(server, &place).await;
    for statement in [
        "UPDATE ledger SET actor = 'x' WHERE seq = 2",
        "DELETE FROM ledger WHERE seq = 3",
        "TRUNCATE ledger",
        "DELETE FROM ledger_head",
        "UPDATE ledger_head SET seq = 2",
        "INSERT INTO ledger SELECT 9, at, actor, action, subject, detail, prev, hash FROM ledger WHERE seq = 3",
        "INSERT INTO ledger SELECT 4, at, actor, action, subject, detail, prev, hash FROM ledger WHERE seq = 3",
    ] {
        assert!(
            sqlx::query(statement).execute(&pool).await.is_err(),
            "{statement}"
        );
    }
    store.hold(new_hold(4)).await.unwrap();
    // Who owns the tables can drop the triggers; the chain shows what they did.
    sqlx::raw_sql(
        "DROP TRIGGER ledger_in_order ON ledger; UPDATE ledger SET detail = '{ }' WHERE seq = 2",
    )
    .execute(&pool)
    .await
    .unwrap();
    let check = store.verify_ledger(None).await.unwrap();
    assert_eq!((check.good, check.first_bad), (1, Some(2)));
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let server = Postgres::shared().await;
    let place = Place::on(server).await;
    place.open().await.close().await;
    let pool = raw(server, &place).await;
    sqlx::query("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'x', TRUE, '', 0)")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(
        place.try_node(0).await.err(),
        Some(StoreError::NewerSchema(9999))
    );
}

#[tokio::test]
async fn a_server_that_may_lose_mail_is_refused_unless_told() {
    let server = Postgres::own().await;
    let place = Place::on(&server).await;
    let pool = raw(&server, &place).await;
    sqlx::raw_sql("ALTER SYSTEM SET full_page_writes = off")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::raw_sql("SELECT pg_reload_conf()")
        .execute(&pool)
        .await
        .unwrap();
    let begun = Instant::now();
    let error = loop {
        match place.try_node(0).await {
            Err(error) => break error.to_string(),
            Ok(_) => assert!(begun.elapsed() < Duration::from_secs(10), "it reloads"),
        }
    };
    assert!(
        error.contains("full_page_writes=off") && error.contains("allow_unsynced"),
        "{error}"
    );
    let mut told = place;
    told.database.allow_unsynced = true;
    let store = told.open().await;
    store.hold(new_hold(1)).await.unwrap();
    assert_eq!(
        store.open_hold(id(1)).await.unwrap().summary.received_at,
        start() + Duration::from_secs(1)
    );
}

#[tokio::test]
async fn a_wrong_password_shows_in_no_error() {
    let mut place = Place::on(Postgres::shared().await).await;
    let file = place.folder().join("wrong");
    std::fs::write(&file, "open-sesame").unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    place.database.password_file = Some(file);
    let error = place.try_node(0).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "store is not available: database: the server refuses this login (SQLSTATE 28P01)"
    );
}

/// Not a test: holds a second, for `--ignored`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn how_many_holds_a_second() {
    for place in [Place::sqlite(), Place::postgres().await] {
        let store = place.open().await;
        for (at_once, number) in [(1_u8, 300_u16), (64, 60)] {
            let begun = Instant::now();
            let mut tasks = JoinSet::new();
            for worker in 0..at_once {
                let store = store.clone();
                tasks.spawn(async move {
                    for step in 0..number {
                        let mut hold = new_hold(worker);
                        hold.id = numbered(worker + 100 * u8::from(at_once > 1), step);
                        hold.message = format!(
                            "Message-ID: <{at_once}.{worker}.{step}@trust.example>\r\n\r\nx\r\n"
                        )
                        .into();
                        store.hold(hold).await.unwrap();
                    }
                });
            }
            tasks.join_all().await;
            let all = f64::from(at_once) * f64::from(number);
            println!(
                "sqlite {}: {at_once} at once: {:.0} holds/s",
                place.is_sqlite(),
                all / begun.elapsed().as_secs_f64()
            );
        }
    }
}
