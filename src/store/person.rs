//! Two people, told apart.
//!
//! # Invariants
//! Whoever asks for something that needs a second person is never that person: neither by the name they give nor by the login that the
//! machine or the sign-in knows them by. Where nobody knows a login there are no two people.

use std::fmt;

/// Who acts.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// The name that goes into the ledger.
    pub actor: &'a str,
    /// What the machine knows them by (`uid 1004`), or empty when it cannot tell people apart.
    pub login: &'a str,
}

/// How two people were found to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SamePerson {
    /// They have one name.
    Name,
    /// They have one login.
    Login,
    /// The machine does not know who either of them is.
    Unknown,
}

impl fmt::Display for SamePerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "a second person must decide: the name is the requester's",
            Self::Login => {
                "a second person must decide: the login is the requester's; log in as yourself (sudo keeps who you are)"
            }
            Self::Unknown => {
                "a second person must decide, and this machine cannot tell who you are; log in as yourself and use sudo"
            }
        })
    }
}

/// Whether two names are one: capitals and white space around them do not count.
pub fn same_name(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// Whether two acts are by two people.
pub fn two_people(first: Person<'_>, second: Person<'_>) -> Result<(), SamePerson> {
    if same_name(first.actor, second.actor) {
        return Err(SamePerson::Name);
    }
    match (first.login, second.login) {
        ("", _) | (_, "") => Err(SamePerson::Unknown),
        (one, other) if one == other => Err(SamePerson::Login),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_names_with_one_login_are_one_person() {
        let person = |actor, login| Person { actor, login };
        let first = person("a.head", "uid 1001");
        assert_eq!(two_people(first, person("b.dpo", "uid 1002")), Ok(()));
        for (second, why) in [
            (person(" A.Head", "uid 1002"), SamePerson::Name),
            (person("b.dpo", "uid 1001"), SamePerson::Login),
            (person("b.dpo", ""), SamePerson::Unknown),
        ] {
            assert_eq!(two_people(first, second), Err(why));
        }
    }
}
