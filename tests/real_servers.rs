//! The servers that other tests lean on are what those tests think: real, durable, apart from each other, and gone afterwards.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

mod servers;

use std::time::{Duration, Instant};

use object_store::ObjectStoreExt as _;
use object_store::path::Path as Key;
use servers::postgres::Postgres;
use servers::process::until;
use servers::s3::S3;
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Row as _};

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

async fn ask(connection: &mut PgConnection, query: &'static str) -> String {
    let row = sqlx::query(query).fetch_one(connection).await.unwrap();
    row.get(0)
}

#[tokio::test]
async fn postgres_gives_databases_apart_and_syncs() {
    let postgres = Postgres::shared().await;
    let (one, two) = tokio::join!(postgres.fresh_url(), postgres.fresh_url());
    assert_ne!(one, two);
    let mut one = connect(&one).await;
    let mut two = connect(&two).await;
    sqlx::raw_sql("CREATE TABLE t (x BIGINT)")
        .execute(&mut one)
        .await
        .unwrap();
    assert!(
        sqlx::raw_sql("SELECT * FROM t")
            .execute(&mut two)
            .await
            .is_err()
    );
    assert_eq!(ask(&mut one, "SHOW fsync").await, "on");
    assert_eq!(ask(&mut one, "SHOW synchronous_commit").await, "on");
    assert_eq!(ask(&mut one, "SHOW full_page_writes").await, "on");
    assert_eq!(ask(&mut one, "SHOW server_encoding").await, "UTF8");
}

#[tokio::test]
async fn postgres_asks_for_the_password_and_listens_here_only() {
    let postgres = Postgres::shared().await;
    let url = postgres.fresh_url().await;
    let wrong = url.replacen("not-a-secret", "guess", 1);
    assert!(PgConnection::connect(&wrong).await.is_err());
    let mut connection = connect(&url).await;
    assert_eq!(
        ask(&mut connection, "SHOW listen_addresses").await,
        "127.0.0.1"
    );
    let socket = postgres.socket_folder();
    assert!(
        socket
            .join(format!(".s.PGSQL.{}", postgres.port()))
            .exists()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_what_was_committed_through_a_kill_and_leaves_nothing() {
    let postgres = Postgres::own().await;
    let folder = postgres.socket_folder().to_owned();
    let url = postgres.fresh_url().await;
    let mut connection = connect(&url).await;
    sqlx::raw_sql("CREATE TABLE t (x TEXT); INSERT INTO t VALUES ('kept')")
        .execute(&mut connection)
        .await
        .unwrap();
    let mut open = connect(&url).await;
    sqlx::raw_sql("BEGIN; INSERT INTO t VALUES ('never committed')")
        .execute(&mut open)
        .await
        .unwrap();
    postgres.kill();
    assert!(
        sqlx::raw_sql("SELECT 1")
            .execute(&mut connection)
            .await
            .is_err()
    );
    assert!(PgConnection::connect(&url).await.is_err());
    tokio::task::block_in_place(|| postgres.restart());
    let mut connection = connect(&url).await;
    assert_eq!(
        ask(&mut connection, "SELECT string_agg(x, ',') FROM t").await,
        "kept"
    );
    tokio::task::block_in_place(|| drop(postgres));
    assert!(!folder.exists());
    assert!(PgConnection::connect(&url).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_keeps_objects_through_a_kill_and_leaves_nothing() {
    let begun = Instant::now();
    let s3 = S3::own().await;
    eprintln!("S3 started in {:?}", begun.elapsed());
    let bucket = s3.fresh_bucket().await;
    let raw = s3.raw(&bucket);
    let key = Key::from("kept");
    raw.put(&key, "kept".into()).await.unwrap();
    s3.restart().await;
    assert_eq!(raw.get(&key).await.unwrap().bytes().await.unwrap(), "kept");
    let folder = bucket.secret_key_file.unwrap();
    tokio::task::block_in_place(|| drop(s3));
    assert!(until(Duration::from_secs(5), || !folder.exists()));
}
