//! Every word that people read, kept apart from the pages: Fluent files by language.
//!
//! # Invariants
//! English is whole: a test looks up every key that a page or a source names. Another language falls back to it, word by word. Values
//! are put in as text and escaped by the page, never as markup.
//!
//! # Standards
//! Project Fluent 1.0 (<https://projectfluent.org>); plural forms by CLDR, of which Welsh has six.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use rust_embed::RustEmbed;
use unic_langid::LanguageIdentifier;

#[derive(RustEmbed)]
#[folder = "src/console/words"]
struct Files;

/// The words of one language; cheap to clone.
#[derive(Clone)]
pub struct Words(Arc<FluentBundle<FluentResource>>);

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Words").finish_non_exhaustive()
    }
}

impl Words {
    /// English.
    pub fn english() -> Self {
        static ENGLISH: OnceLock<Words> = OnceLock::new();
        ENGLISH.get_or_init(|| Self::read("en", "en-GB")).clone()
    }

    fn read(folder: &str, language: &str) -> Self {
        let language: LanguageIdentifier = language.parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // Marks of direction around each value would be copied with it and break comparisons.
        bundle.set_use_isolating(false);
        for name in Files::iter().filter(|name| name.starts_with(&format!("{folder}/"))) {
            let Some(file) = Files::get(&name) else {
                continue;
            };
            let text = String::from_utf8_lossy(&file.data).into_owned();
            // What does not parse is left out; a test holds that all of it does.
            let resource = FluentResource::try_new(text).unwrap_or_else(|(read, _)| read);
            bundle.add_resource_overriding(resource);
        }
        Self(Arc::new(bundle))
    }

    /// The words of this key.
    pub fn say(&self, key: &str) -> String {
        self.format(key, None)
    }

    /// The words of one of several things of a kind: of `action` and `hold`, those of `action-hold`.
    pub fn of(&self, kind: &str, name: &str) -> String {
        self.format(&format!("{kind}-{name}"), None)
    }

    /// The words of this key with one value in them.
    pub fn with<'a>(&self, key: &str, name: &'a str, value: impl Into<Value<'a>>) -> String {
        self.all(key, vec![(name, value.into())])
    }

    /// The words of this key for so many: `$n`.
    pub fn count(&self, key: &str, n: &(impl Copy + TryInto<i64>)) -> String {
        let n = (*n).try_into().unwrap_or(i64::MAX);
        self.all(key, vec![("n", Value(FluentValue::from(n)))])
    }

    /// The words of this key with several values in them.
    pub fn all<'a>(&self, key: &str, values: Vec<(&'a str, Value<'a>)>) -> String {
        let mut args = FluentArgs::with_capacity(values.len());
        for (name, value) in values {
            args.set(name, value.0);
        }
        self.format(key, Some(&args))
    }

    /// Whether there are words of this key.
    pub fn has(&self, key: &str) -> bool {
        self.0.has_message(key)
    }

    fn format(&self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let pattern = self.0.get_message(key).and_then(|message| message.value());
        let Some(pattern) = pattern else {
            return key.to_owned();
        };
        let mut errors = Vec::new();
        let text = self.0.format_pattern(pattern, args, &mut errors);
        text.into_owned()
    }
}

/// A value among words.
#[derive(Debug)]
pub struct Value<'a>(FluentValue<'a>);

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self(FluentValue::String(Cow::Borrowed(text)))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self(FluentValue::String(Cow::Owned(text)))
    }
}

impl<'a> From<&'a &str> for Value<'a> {
    fn from(text: &'a &str) -> Self {
        Self::from(*text)
    }
}

impl<'a> From<&'a &String> for Value<'a> {
    fn from(text: &'a &String) -> Self {
        Self::from(text.as_str())
    }
}

macro_rules! numbers {
    ($($of:ty),*) => {
        $(impl From<$of> for Value<'_> {
            fn from(number: $of) -> Self {
                Self(FluentValue::from(number))
            }
        }
        impl From<&$of> for Value<'_> {
            fn from(number: &$of) -> Self {
                Self(FluentValue::from(*number))
            }
        }
        impl From<&&$of> for Value<'_> {
            fn from(number: &&$of) -> Self {
                Self(FluentValue::from(**number))
            }
        })*
    };
}

numbers!(u8, u16, u32, u64, usize, i32, i64);

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_parses_and_no_key_stands_twice() {
        let mut bundle = FluentBundle::new_concurrent(vec![LanguageIdentifier::default()]);
        for name in Files::iter().filter(|name| name.starts_with("en/")) {
            let file = Files::get(&name).unwrap();
            let text = String::from_utf8(file.data.to_vec()).unwrap();
            let read = FluentResource::try_new(text).map_err(|(_, errors)| errors);
            let read = read.unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
            let added = bundle.add_resource(read);
            assert!(added.is_ok(), "{name}: {added:?}");
        }
    }

    /// Keys named in templates and sources: `say("key")`, `with("key"`, `count("key"`, `all("key"`.
    fn named(text: &str) -> Vec<String> {
        let mut keys = Vec::new();
        for call in ["say(\"", "words.with(\"", "words.count(\"", "words.all(\""] {
            for rest in text.split(call).skip(1) {
                keys.extend(rest.split('"').next().map(str::to_owned));
            }
        }
        keys
    }

    #[test]
    fn every_key_that_is_named_has_words() {
        let words = Words::english();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console")];
        let mut missing = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let read = ["rs", "html"]
                    .iter()
                    .any(|kind| path.extension().is_some_and(|own| own == *kind));
                if !read || path.ends_with("words.rs") {
                    continue;
                }
                for key in named(&std::fs::read_to_string(&path).unwrap()) {
                    if !words.has(&key) {
                        missing.push(format!("{}: {key}", path.display()));
                    }
                }
            }
        }
        assert!(missing.is_empty(), "{}", missing.join("\n"));
    }
}
