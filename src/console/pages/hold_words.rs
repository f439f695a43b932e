//! What pages of holds say in the same way: ages, states, kinds of data, sizes.

use crate::console::acts::holds::Standing;
use crate::console::words::Words;
use crate::detect::Category;
use crate::store::HoldState;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Something to choose.
pub struct Choice {
    /// What the form sends.
    pub id: String,
    /// What people read.
    pub name: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// A span of time in words, its largest unit alone: nobody decides by minutes what is days old.
pub fn span(words: &Words, seconds: u64) -> String {
    match seconds {
        0..MINUTE => words.say("hold-span-moment"),
        MINUTE..HOUR => words.count("hold-span-minutes", &(seconds / MINUTE)),
        HOUR..DAY => words.count("hold-span-hours", &(seconds / HOUR)),
        _ => words.count("hold-span-days", &(seconds / DAY)),
    }
}

/// The colour of a state's tag; the word beside it says the same.
pub fn colour(state: Option<HoldState>) -> &'static str {
    match state {
        Some(HoldState::Held) => "govuk-tag--amber",
        Some(HoldState::Claimed) => "govuk-tag--blue",
        Some(HoldState::Awaiting) => "govuk-tag--purple",
        Some(HoldState::Released) => "govuk-tag--green",
        Some(HoldState::Refused) => "govuk-tag--red",
        _ => "govuk-tag--grey",
    }
}

/// States to choose.
pub fn standings(words: &Words, chosen: Standing) -> Vec<Choice> {
    let choice = |standing: Standing| Choice {
        id: standing.name().to_owned(),
        name: words.say(&format!("hold-state-{}", standing.name())),
        chosen: standing == chosen,
    };
    Standing::all().map(choice).collect()
}

/// Kinds of data to choose.
pub fn categories(words: &Words, chosen: Option<Category>) -> Vec<Choice> {
    let choice = |category: Category| Choice {
        id: category.name().to_owned(),
        name: words.say(&format!("hold-found-{}", category.name())),
        chosen: Some(category) == chosen,
    };
    CATEGORIES.into_iter().map(choice).collect()
}

/// Every kind of data, those that harm people most first.
pub const CATEGORIES: [Category; 13] = [
    Category::Medical,
    Category::PupilName,
    Category::PupilId,
    Category::PersonalDetail,
    Category::PersonalId,
    Category::Financial,
    Category::Credential,
    Category::Protected,
    Category::AutoForward,
    Category::Marking,
    Category::Suspect,
    Category::Offensive,
    Category::ChainLetter,
];

/// A size for people: `12 KB`, `3.4 MB`.
pub fn size(bytes: u64) -> String {
    const KB: u64 = 1 << 10;
    const MB: u64 = 1 << 20;
    match bytes {
        0..KB => format!("{bytes} bytes"),
        KB..MB => format!("{} KB", bytes / KB),
        _ => format!("{}.{} MB", bytes / MB, bytes % MB * 10 / MB),
    }
}

/// Where in a message a finding stands: a file by its name.
pub fn place(words: &Words, location: &str) -> String {
    if let Some(("attachment", name)) = location.split_once(':') {
        return name.to_owned();
    }
    let key = format!("hold-place-{location}");
    if words.has(&key) {
        words.say(&key)
    } else {
        location.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_sizes_are_read_at_a_glance() {
        let words = Words::english();
        assert_eq!(span(&words, 30), "less than a minute");
        assert_eq!(span(&words, 60), "1 minute");
        assert_eq!(span(&words, 7_200), "2 hours");
        assert_eq!(span(&words, 3 * DAY + HOUR), "3 days");
        assert_eq!(size(900), "900 bytes");
        assert_eq!(size(12_345), "12 KB");
        assert_eq!(size(3_565_158), "3.3 MB");
    }

    #[test]
    fn every_state_kind_and_act_has_words() {
        let words = Words::english();
        for standing in Standing::all() {
            assert!(words.has(&format!("hold-state-{}", standing.name())));
        }
        for category in CATEGORIES {
            assert!(words.has(&format!("hold-found-{}", category.name())));
        }
    }
}
