//! A database with the nodes on it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use beadle::store::{BlobConfig, Blobs, Config, Custody, DatabaseConfig, MasterKey, StoreError};
use tempfile::TempDir;

use crate::servers::postgres::Postgres;

/// One installation: a database, blobs and a key.
pub struct Place {
    folder: TempDir,
    pub database: DatabaseConfig,
}

impl Place {
    pub fn sqlite() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            database: DatabaseConfig::default(),
        }
    }

    pub async fn postgres() -> Self {
        Self::on(Postgres::shared().await).await
    }

    /// On this server.
    pub async fn on(server: &Postgres) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = settings(&server.fresh_url().await, folder.path());
        Self { folder, database }
    }

    pub fn is_sqlite(&self) -> bool {
        self.database.url.is_empty()
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The data folder of a node; SQLite's nodes share one.
    pub fn data_dir(&self, node: usize) -> PathBuf {
        if self.is_sqlite() {
            self.folder.path().join("data")
        } else {
            self.folder.path().join(format!("data-{node}"))
        }
    }

    pub async fn open(&self) -> Custody {
        self.node(0).await
    }

    pub async fn node(&self, number: usize) -> Custody {
        self.try_node(number).await.unwrap()
    }

    /// Does what somebody with the database's password could.
    pub async fn by_hand(&self, sql: &str) {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        if self.is_sqlite() {
            let pool = sqlx::SqlitePool::connect_with(self.file()).await.unwrap();
            sqlx::query(sql).execute(&pool).await.unwrap();
            pool.close().await;
        } else {
            let pool = sqlx::PgPool::connect(&self.url()).await.unwrap();
            sqlx::query(sql).execute(&pool).await.unwrap();
            pool.close().await;
        }
    }

    /// What is in the database: SQLite's files as they are, PostgreSQL's rows as text, bytes as bytes.
    pub async fn everything_kept(&self) -> Vec<Vec<u8>> {
        if self.is_sqlite() {
            let files = std::fs::read_dir(self.data_dir(0)).unwrap();
            let files = files.map(|file| file.unwrap().path());
            let files = files.filter(|path| path.is_file());
            return files.map(|path| std::fs::read(path).unwrap()).collect();
        }
        let pool = sqlx::PgPool::connect(&self.url()).await.unwrap();
        let mut kept = Vec::new();
        for table in [
            "account",
            "credential",
            "session",
            "api_token",
            "saved_view",
            "ledger",
        ] {
            // `escape` leaves letters in bytes as letters.
            let sql = format!(
                "SELECT set_config('bytea_output', 'escape', false), t::text FROM {table} t"
            );
            let rows: Vec<(String, String)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
                .fetch_all(&pool)
                .await
                .unwrap();
            kept.extend(rows.into_iter().map(|(_, row)| row.into_bytes()));
        }
        pool.close().await;
        kept
    }

    fn file(&self) -> sqlx::sqlite::SqliteConnectOptions {
        sqlx::sqlite::SqliteConnectOptions::new().filename(self.data_dir(0).join("beadle.db"))
    }

    fn url(&self) -> String {
        self.database.url.replace("beadle@", "beadle:not-a-secret@")
    }

    pub async fn try_node(&self, number: usize) -> Result<Custody, StoreError> {
        let config = Config {
            database: self.database.clone(),
            ..Config::new(self.data_dir(number))
        };
        let key = MasterKey::load_or_create(&self.folder.path().join("master.key"))?;
        let blobs = Blobs::open(&BlobConfig::default(), &self.folder.path().join("blobs"))?;
        Custody::open_over(config, key, blobs).await
    }
}

/// Settings for an address with its password, which goes into a file.
pub fn settings(url: &str, folder: &Path) -> DatabaseConfig {
    let (user, place) = url.split_once('@').unwrap();
    let (user, password) = user.rsplit_once(':').unwrap();
    let file = folder.join("password");
    std::fs::write(&file, format!("{password}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    DatabaseConfig {
        url: format!("{user}@{place}"),
        password_file: Some(file),
        ..DatabaseConfig::default()
    }
}
