//! What browsers fetch beside the pages: style, script, fonts and icon, embedded and named by their content.
//!
//! # Invariants
//! The address of a file changes when its content does, so a browser may keep it for ever and a new version of the program is never shown in the
//! style of the old one. Only files of the folder are served, and only under that address: a name is looked up, never opened as a path. The folder
//! is built by `frontend/build` and committed.
//!
//! # Standards
//! RFC 9110 (sections 12.5.3 and 8.4, encodings), RFC 8246 (immutable), RFC 1952 (gzip).

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::OnceLock;

use aws_lc_rs::digest;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "src/console/assets"]
struct Files;

/// Bytes of the hash that an address shows: 8 hexadecimal digits tell versions of one file apart, which is all they are for.
const HASH_BYTES: usize = 4;

/// A file as it is sent.
struct Asset {
    kind: &'static str,
    plain: Bytes,
    /// Smaller, where packing makes it so.
    gzip: Option<Bytes>,
}

/// Every file, by what stands after `/assets/`, and the address of every name.
struct Shelf {
    assets: HashMap<String, Asset>,
    urls: HashMap<String, String>,
}

/// Where the file of this name is: `console.css` gives `/assets/console.1f2e3d4c.css`. A name that no file has gives an address that answers 404.
pub fn url(name: &str) -> String {
    let known = shelf().urls.get(name).cloned();
    known.unwrap_or_else(|| format!("/assets/{name}"))
}

/// Answers a request for what stands after `/assets/`: the file, packed if the browser takes that, or 404.
pub async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = shelf().assets.get(&name) else {
        return (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")]).into_response();
    };
    let packed = asset.gzip.as_ref().filter(|_| takes_gzip(&headers));
    let bytes = packed.unwrap_or(&asset.plain).clone();
    let mut response = Response::new(Body::from(bytes));
    let out = response.headers_mut();
    let mut put = |name, value| out.insert(name, HeaderValue::from_static(value));
    put(header::CONTENT_TYPE, asset.kind);
    put(header::CACHE_CONTROL, "public, max-age=31536000, immutable");
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if asset.gzip.is_some() {
        put(header::VARY, "accept-encoding");
    }
    if packed.is_some() {
        put(header::CONTENT_ENCODING, "gzip");
    }
    response
}

/// Whether `Accept-Encoding` names gzip with a weight that is not nought.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut choices = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    choices.any(|choice| {
        let (coding, weight) = choice.split_once(';').unwrap_or((choice, "q=1"));
        let weight = weight
            .trim()
            .strip_prefix("q=")
            .and_then(|q| q.trim().parse::<f32>().ok());
        coding.trim().eq_ignore_ascii_case("gzip") && weight.is_some_and(|q| q > 0.0)
    })
}

fn shelf() -> &'static Shelf {
    static SHELF: OnceLock<Shelf> = OnceLock::new();
    SHELF.get_or_init(|| {
        let mut shelf = Shelf {
            assets: HashMap::new(),
            urls: HashMap::new(),
        };
        for name in Files::iter() {
            let Some(file) = Files::get(&name) else {
                continue;
            };
            let path = hashed(&name, &file.data);
            shelf
                .urls
                .insert(name.to_string(), format!("/assets/{path}"));
            shelf
                .assets
                .insert(path, asset(&name, file.data.into_owned()));
        }
        shelf
    })
}

fn asset(name: &str, plain: Vec<u8>) -> Asset {
    let (kind, packs) = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => ("text/css; charset=utf-8", true),
        Some("js") => ("text/javascript; charset=utf-8", true),
        Some("svg") => ("image/svg+xml", true),
        Some("txt") => ("text/plain; charset=utf-8", true),
        // Packed already.
        Some("woff2") => ("font/woff2", false),
        _ => ("application/octet-stream", false),
    };
    let gzip = packs
        .then(|| gzip(&plain))
        .flatten()
        .filter(|packed| packed.len() < plain.len());
    Asset {
        kind,
        plain: plain.into(),
        gzip: gzip.map(Bytes::from),
    }
}

fn gzip(plain: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).ok()?;
    encoder.finish().ok()
}

/// `console.css` with the start of the SHA-256 of its content before its ending.
fn hashed(name: &str, content: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, content);
    let mut hex = String::new();
    for byte in hash.as_ref().iter().take(HASH_BYTES) {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    match name.rsplit_once('.') {
        Some((stem, ending)) => format!("{stem}.{hex}.{ending}"),
        None => format!("{name}.{hex}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(url: &str, encodings: Option<&'static str>) -> (Response, usize) {
        let mut headers = HeaderMap::new();
        if let Some(encodings) = encodings {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(encodings));
        }
        let name = url.strip_prefix("/assets/").unwrap().to_owned();
        let (parts, body) = serve(Path(name), headers).await.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        (Response::from_parts(parts, Body::empty()), body.len())
    }

    #[tokio::test]
    async fn what_is_served_may_be_kept_for_ever_under_its_hash() {
        for (name, kind) in [
            ("console.css", "text/css; charset=utf-8"),
            ("console.js", "text/javascript; charset=utf-8"),
            ("favicon.svg", "image/svg+xml"),
            ("atkinson-latin-400.woff2", "font/woff2"),
        ] {
            let (response, length) = get(&url(name), None).await;
            assert_eq!(response.status(), StatusCode::OK, "{name}");
            assert_eq!(response.headers()[header::CONTENT_TYPE], kind);
            assert!(
                response.headers()[header::CACHE_CONTROL]
                    .to_str()
                    .unwrap()
                    .contains("immutable")
            );
            assert_eq!(
                response.headers()[header::X_CONTENT_TYPE_OPTIONS],
                "nosniff"
            );
            assert!(!response.headers().contains_key(header::CONTENT_ENCODING));
            assert_eq!(length, Files::get(name).unwrap().data.len());
        }
    }

    #[tokio::test]
    async fn gzip_goes_to_those_who_take_it() {
        let css = url("console.css");
        let (plain, whole) = get(&css, Some("br, gzip;q=0")).await;
        assert!(!plain.headers().contains_key(header::CONTENT_ENCODING));
        let (packed, small) = get(&css, Some("deflate, GZIP;q=0.5, br")).await;
        assert_eq!(packed.headers()[header::CONTENT_ENCODING], "gzip");
        assert_eq!(packed.headers()[header::VARY], "accept-encoding");
        assert!(small * 4 < whole, "{small} of {whole}");
        let (font, _) = get(&url("atkinson-latin-400.woff2"), Some("gzip")).await;
        assert!(!font.headers().contains_key(header::CONTENT_ENCODING));
    }

    #[tokio::test]
    async fn nothing_else_is_there() {
        for path in [
            "/assets/console.css",
            "/assets/console.00000000.css",
            "/assets/../assets.rs",
            "/assets/",
            "/assets/build",
        ] {
            assert_eq!(
                get(path, None).await.0.status(),
                StatusCode::NOT_FOUND,
                "{path}"
            );
        }
        assert_eq!(
            get(&url("nowhere.css"), None).await.0.status(),
            StatusCode::NOT_FOUND
        );
    }

    #[test]
    fn every_address_in_the_style_is_one_of_ours() {
        let css = String::from_utf8(Files::get("console.css").unwrap().data.into_owned()).unwrap();
        let named: Vec<&str> = css
            .split("url(")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
            .collect();
        assert_eq!(named.len(), 4, "{named:?}");
        for address in named {
            let address = address.trim_matches('"');
            assert!(shelf().urls.values().any(|url| url == address), "{address}");
        }
    }

    #[test]
    fn a_first_page_fetches_less_than_a_hundred_kilobytes() {
        let size = |name: &str| {
            shelf().assets[url(name).strip_prefix("/assets/").unwrap()]
                .plain
                .len()
        };
        let packed = |name: &str| {
            let asset = &shelf().assets[url(name).strip_prefix("/assets/").unwrap()];
            asset.gzip.as_ref().unwrap_or(&asset.plain).len()
        };
        let fonts = [
            "atkinson-latin-400.woff2",
            "atkinson-latin-700.woff2",
            "atkinson-latin-ext-400.woff2",
            "atkinson-latin-ext-700.woff2",
        ];
        assert!(fonts.iter().all(|font| size(font) <= 20_480));
        assert!(size("console.js") <= 6_144, "{}", size("console.js"));
        assert!(packed("console.css") < 12_288, "{}", packed("console.css"));
        let whole: usize = ["console.css", "console.js", "favicon.svg"]
            .iter()
            .chain(&fonts)
            .map(|name| packed(name))
            .sum();
        assert!(whole < 100_000, "{whole}");
    }
}
