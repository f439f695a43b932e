//! An OpenID provider of the test process: panva's oidc-provider, in Node, and a browser that signs in at it.
//!
//! It is no mock: the library is certified by the OpenID Foundation. `tests/run unit` installs it into `target/tools`, pinned by hash.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use rustix::process::Signal;

use super::process::{Server, free_ports, until};

const STARTS_WITHIN: Duration = Duration::from_mins(1);
/// Pages between the address and the way back; five are usual.
const PAGES_AT_MOST: usize = 12;

/// A running provider.
pub struct Provider {
    server: Server,
    port: u16,
    redirect: String,
}

impl Provider {
    /// One for this test alone, which sends people back to `redirect` and takes secrets by these `methods`.
    pub async fn own(redirect: &str, methods: &'static str) -> Self {
        let redirect = redirect.to_owned();
        let start = move || {
            let this = Self::prepare(redirect);
            this.run(methods);
            this
        };
        tokio::task::spawn_blocking(start).await.unwrap()
    }

    fn prepare(redirect: String) -> Self {
        let server = Server::new("oidc", "nobody", "TERM");
        // A copy, since its user may not be able to reach the folder of the project.
        let copied = std::process::Command::new("cp")
            .arg("-r")
            .arg(installed().join("node_modules"))
            .arg(server.folder())
            .status();
        assert!(copied.unwrap().success());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/oidc/provider.mjs");
        std::fs::copy(script, server.folder().join("provider.mjs")).unwrap();
        // Readable whatever our umask is.
        let opened = std::process::Command::new("chmod")
            .args(["-R", "a+rX"])
            .arg(server.folder().join("node_modules"))
            .arg(server.folder().join("provider.mjs"))
            .status();
        assert!(opened.unwrap().success());
        let [port] = free_ports();
        Self {
            server,
            port,
            redirect,
        }
    }

    fn run(&self, methods: &str) {
        let mut command = self.server.command(Path::new("node"));
        command
            .arg("provider.mjs")
            .env("PORT", self.port.to_string())
            .env("REDIRECT", &self.redirect)
            .env("METHODS", methods);
        self.server.start(command);
        let ready = until(STARTS_WITHIN, || {
            self.server.log().lines().any(|line| line == "ready") || !self.server.is_running()
        });
        assert!(
            ready && self.server.is_running(),
            "the provider does not start: {}",
            self.server.log()
        );
    }

    /// Its issuer.
    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Replaces its signing key.
    pub async fn rotate(&self) {
        let answer = browser()
            .get(format!("{}/test/rotate", self.issuer()))
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success());
    }

    /// Ends it as a crash would.
    pub fn kill(&self) {
        self.server.kill();
    }

    /// Lets it hang: connections are taken by the system, nothing is answered.
    pub fn freeze(&self) {
        self.server.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.server.signal(Signal::CONT);
    }

    /// Goes to `address` with an empty browser, signs in as `login`, agrees, and gives the query of the way back.
    pub async fn sign_in(&self, address: &Url, login: &str) -> BTreeMap<String, String> {
        self.visit(address, Some(login)).await
    }

    /// The same, but cancels instead of signing in.
    pub async fn cancel(&self, address: &Url) -> BTreeMap<String, String> {
        self.visit(address, None).await
    }

    async fn visit(&self, address: &Url, login: Option<&str>) -> BTreeMap<String, String> {
        let browser = browser();
        let mut cookies: BTreeMap<String, String> = BTreeMap::new();
        let mut request = browser.get(address.clone());
        let mut at = address.clone();
        for _ in 0..PAGES_AT_MOST {
            let sent: Vec<String> = cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let answer = request
                .header(COOKIE, sent.join("; "))
                .send()
                .await
                .unwrap();
            for cookie in answer.headers().get_all(SET_COOKIE) {
                let pair = cookie.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                cookies.insert(name.to_owned(), value.to_owned());
            }
            if let Some(next) = answer.headers().get(LOCATION) {
                at = at.join(next.to_str().unwrap()).unwrap();
                if at.as_str().starts_with(&self.redirect) {
                    return at.query_pairs().into_owned().collect();
                }
                request = browser.get(at.clone());
                continue;
            }
            let status = answer.status();
            let page = answer.text().await.unwrap();
            assert!(status.is_success(), "{status} at {}: {page}", at.path());
            let field = |name: &str| page.contains(&format!("name=\"{name}\""));
            request = match login {
                None => browser.get(format!("{at}/abort")),
                Some(login) if field("login") => browser.post(at.clone()).form(&[
                    ("prompt", "login"),
                    ("login", login),
                    ("password", "any"),
                ]),
                Some(_) => browser.post(at.clone()).form(&[("prompt", "consent")]),
            };
        }
        panic!("the provider does not send the browser back");
    }
}

fn browser() -> reqwest::Client {
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

/// Where `tests/run` puts the packages.
fn installed() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target"),
        PathBuf::from,
    );
    let place = target.join("tools/oidc");
    assert!(
        place.join("node_modules/oidc-provider").exists(),
        "there is no OpenID provider at {}; `tests/run unit` installs it",
        place.display()
    );
    place
}
