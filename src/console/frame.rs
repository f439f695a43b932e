//! What stands around the content of every page: title, navigation, who is signed in, where style and script are.

use super::assets;
use super::signed::Signed;
use super::site::Site;
use super::words::Words;

/// A place in the navigation.
#[derive(Debug, Clone)]
pub struct NavItem {
    /// Where it leads.
    pub href: &'static str,
    /// Its words.
    pub label: String,
    /// Whether this page belongs to it.
    pub current: bool,
}

/// How a notice looks.
#[derive(Debug, Clone)]
pub struct FrameNotice {
    /// `success` or `warning`.
    pub kind: &'static str,
    /// What it says.
    pub text: String,
}

/// What stands around a page. Templates have it as `frame`.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Every word.
    pub words: Words,
    /// The title, without the product's name.
    pub title: String,
    /// The name of the trust; may be empty.
    pub trust: String,
    /// The navigation, as far as this person may go.
    pub nav: Vec<NavItem>,
    /// Who is signed in.
    pub who: Option<String>,
    /// Whether somebody is.
    pub signed: bool,
    /// What every form sends back.
    pub csrf: String,
    /// The language, for `lang`.
    pub lang: &'static str,
    /// Addresses of style, script, icon and font.
    pub css: String,
    /// The script.
    pub js: String,
    /// The icon.
    pub icon: String,
    /// What has just been done.
    pub notice: Option<FrameNotice>,
}

impl Frame {
    /// The frame for somebody who is not signed in.
    pub fn outside(site: &Site, title: &str) -> Self {
        let words = Words::english();
        Self {
            title: words.say(title),
            trust: site.config().trust_name.clone(),
            nav: Vec::new(),
            who: None,
            signed: false,
            csrf: String::new(),
            lang: "en-GB",
            css: assets::url("console.css"),
            js: assets::url("console.js"),
            icon: assets::url("favicon.svg"),
            notice: None,
            words,
        }
    }

    /// The frame for somebody who is; `title` is the key of the page's title, `section` the address of its place in the navigation.
    pub fn of(site: &Site, signed: &Signed, title: &str, section: &str) -> Self {
        let mut frame = Self::outside(site, title);
        let places = site.places().iter();
        frame.nav = places
            .filter(|place| signed.access.may(place.permission))
            .map(|place| NavItem {
                href: place.href,
                label: frame.words.say(place.label),
                current: place.href == section,
            })
            .collect();
        frame.who = Some(signed.account.name.clone());
        frame.signed = true;
        frame.csrf.clone_from(&signed.csrf);
        frame
    }

    /// The same frame with another title, in words.
    #[must_use]
    pub fn titled(mut self, title: String) -> Self {
        self.title = title;
        self
    }

    /// The same frame with what was just done, as the address of the page says (`?done=KEY`): the words of `done-KEY` and nothing else.
    #[must_use]
    pub fn after(mut self, done: Option<&str>) -> Self {
        let key = done.map(|done| format!("done-{done}"));
        if let Some(key) = key.filter(|key| self.words.has(key)) {
            self.notice = Some(FrameNotice {
                kind: "success",
                text: self.words.say(&key),
            });
        }
        self
    }
}
