//! The list of what is held, cut to the schools that somebody may see.
//!
//! # Invariants
//! A caller for some schools asks the store for senders of those schools' domains, and each hold found is checked once more, since a school
//! may lie within the domain of another. What is taken out so leaves a page shorter; places between pages are those of the store, so that
//! pages still join. Who reaches no school gets nothing. A subject stands only where text may be read, and of a confidential hold nowhere.

use std::time::SystemTime;

use jiff::civil::{Date, Time};
use serde::Serialize;
use serde::de::IntoDeserializer as _;
use utoipa::ToSchema;

use crate::console::access::{Permission, Reach};
use crate::console::page::{machine_time, system};
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::detect::Category;
use crate::mail::Domain;
use crate::quarantine::lifecycle;
use crate::store::{HoldQuery, HoldState, HoldSummary, SearchText, Sort, same_name};

/// Holds of one page.
pub const PAGE: u32 = 25;

/// Holds counted: beyond them a number tells nobody more.
const COUNTED: u32 = 1_000;

/// Claimed holds looked through for one's own.
const CLAIMED: u32 = 1_000;

/// Recipients named in a line.
const RECIPIENTS: usize = 3;

/// Calls to the store for one page, while it finds nothing and there is more.
const CALLS: usize = 8;

/// Which holds are asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HoldsFilter {
    /// In which state.
    pub state: Standing,
    /// On which this rule fired.
    pub rule: Option<String>,
    /// In which something of this category was found.
    pub category: Option<Category>,
    /// From this school.
    pub school: Option<String>,
    /// Received on this day or later.
    pub from: Option<Date>,
    /// Received on this day or earlier.
    pub until: Option<Date>,
    /// With all of these words in addresses, subject or names of files.
    pub text: String,
    /// The newest first.
    pub newest_first: bool,
}

/// In which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Standing {
    /// Whatever waits.
    #[default]
    Waiting,
    /// What the caller has claimed.
    Mine,
    /// In this state.
    In(HoldState),
    /// In any.
    Any,
}

impl Standing {
    /// Its name in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Mine => "mine",
            Self::In(state) => state.name(),
            Self::Any => "all",
        }
    }

    /// The one of this name; what waits for an empty one.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "" | "waiting" => Some(Self::Waiting),
            "mine" => Some(Self::Mine),
            "all" => Some(Self::Any),
            name => HoldState::of(name).map(Self::In),
        }
    }

    /// Every one, in the order in which people look for them.
    pub fn all() -> impl Iterator<Item = Self> {
        let states = HoldState::ALL.into_iter().map(Self::In);
        [Self::Waiting, Self::Mine]
            .into_iter()
            .chain(states)
            .chain([Self::Any])
    }
}

/// A rule by its id and what people call it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleName {
    /// Its id.
    pub id: String,
    /// Its title in the policy that is enforced now; its id when that has no such rule.
    pub title: String,
}

/// A line of the list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HoldLine {
    /// Its id.
    pub id: String,
    /// What people call it by.
    pub reference: String,
    /// Its state at this moment; a claim that lapsed is none.
    pub state: String,
    /// The version that an act must name.
    pub version: i64,
    /// When it was received.
    pub received_at: String,
    /// For how many seconds it has been here.
    pub age_seconds: u64,
    /// Who has it.
    pub claimed_by: Option<String>,
    /// The caller has it.
    pub yours: bool,
    /// It must be kept for a case.
    pub legal_hold: bool,
    /// Why it was held.
    pub rules: Vec<RuleName>,
    /// A rule says that it must not wait.
    pub urgent: bool,
    /// What was found.
    pub categories: Vec<String>,
    /// The sender; empty for a message without one; none when its content is gone.
    pub sender: Option<String>,
    /// The first three recipients.
    pub recipients: Vec<String>,
    /// How many more there are.
    pub more_recipients: usize,
    /// The subject, for those who may read text.
    pub subject: Option<String>,
    /// The name of the sender's school.
    pub school: Option<String>,
    /// The caller sent it, and may not decide on it.
    pub own: bool,
    /// How often its sender wrote to the reviewer.
    pub words: usize,
    /// Its sender asks for the release.
    pub release_wanted: bool,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When the line was made: ages count to it.
    #[serde(skip)]
    pub received: Option<SystemTime>,
}

/// A page of the list.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct HoldsPage {
    /// Its lines.
    pub holds: Vec<HoldLine>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// Where the page before begins.
    pub previous: Option<String>,
    /// How many there are, or at least so many.
    pub count: u32,
    /// There are more than were counted.
    pub more: bool,
    /// Holds from before an update are not all found yet.
    pub indexing: bool,
}

/// A page of what is held. `cursor` is one that a page before gave.
pub async fn list(
    site: &Site,
    caller: &Caller,
    filter: &HoldsFilter,
    cursor: Option<&str>,
) -> Result<HoldsPage, Refusal> {
    let Some(mut query) = reached(site, caller, filter)? else {
        return Ok(HoldsPage::default());
    };
    if filter.state == Standing::Mine {
        return mine(site, caller, query).await;
    }
    let counted = site.store().count_holds(&query, COUNTED).await?;
    if let Some(cursor) = cursor {
        let place = cursor.parse();
        query.cursor = Some(place.map_err(|_| wrong("this place in the list is none"))?);
    }
    query.limit = PAGE;
    let mut page = site.store().search_holds(&query).await?;
    for _ in 1..CALLS {
        // An end of the work of one call is no end of the list.
        let (true, Some(next)) = (page.holds.is_empty(), page.next) else {
            break;
        };
        query.cursor = Some(next);
        page = site.store().search_holds(&query).await?;
    }
    Ok(HoldsPage {
        holds: lines(site, caller, &page.holds),
        next: page.next.map(|next| next.to_string()),
        previous: page.previous.map(|previous| previous.to_string()),
        count: counted.number,
        more: counted.more,
        indexing: page.indexing,
    })
}

/// What the caller has claimed: some few, looked for among all that are claimed.
async fn mine(site: &Site, caller: &Caller, mut query: HoldQuery) -> Result<HoldsPage, Refusal> {
    query.limit = CLAIMED;
    let page = site.store().search_holds(&query).await?;
    let holds: Vec<HoldLine> = lines(site, caller, &page.holds)
        .into_iter()
        .filter(|line| line.yours)
        .collect();
    Ok(HoldsPage {
        count: u32::try_from(holds.len()).unwrap_or(u32::MAX),
        holds,
        indexing: page.indexing,
        ..HoldsPage::default()
    })
}

/// How many wait for a decision, as far as the caller may see; counting ends at a thousand.
pub async fn waiting(site: &Site, caller: &Caller) -> Result<(u32, bool), Refusal> {
    let Some(query) = reached(site, caller, &HoldsFilter::default())? else {
        return Ok((0, false));
    };
    let counted = site.store().count_holds(&query, COUNTED).await?;
    Ok((counted.number, counted.more))
}

/// The query of a filter within the caller's reach; `None` when they reach nothing.
pub(super) fn reached(
    site: &Site,
    caller: &Caller,
    filter: &HoldsFilter,
) -> Result<Option<HoldQuery>, Refusal> {
    let mut query = query_of(site, filter)?;
    let schools = match (caller.access.reach(Permission::SeeHolds), &filter.school) {
        (Reach::Nowhere, _) => return Err(Refusal::Denied),
        (Reach::Everywhere, None) => return Ok(Some(query)),
        (Reach::Everywhere, Some(school)) => vec![school.clone()],
        (Reach::Schools(own), None) => own.into_iter().collect(),
        (Reach::Schools(own), Some(school)) if own.contains(school) => vec![school.clone()],
        (Reach::Schools(_), Some(_)) => return Ok(None),
    };
    query.from_domains = domains(site, &schools);
    // No domain would mean any sender.
    Ok(Some(query).filter(|query| !query.from_domains.is_empty()))
}

fn domains(site: &Site, schools: &[String]) -> Vec<Domain> {
    let known = schools.iter().filter_map(|id| site.schools().get(id));
    known.flat_map(|school| school.domains.clone()).collect()
}

fn query_of(site: &Site, filter: &HoldsFilter) -> Result<HoldQuery, Refusal> {
    let text =
        SearchText::parse(&filter.text).map_err(|error| Refusal::Wrong(error.to_string()))?;
    Ok(HoldQuery {
        states: match filter.state {
            Standing::Any => Vec::new(),
            Standing::In(state) => vec![state],
            Standing::Mine => vec![HoldState::Claimed],
            Standing::Waiting => {
                let all = HoldState::ALL.into_iter();
                all.filter(|state| state.is_waiting()).collect()
            }
        },
        rule: filter.rule.clone(),
        category: filter.category,
        since: filter.from.and_then(|day| midnight(site, day)),
        until: filter
            .until
            .and_then(|day| midnight(site, day.tomorrow().ok()?)),
        text,
        sort: if filter.newest_first {
            Sort::Newest
        } else {
            Sort::Oldest
        },
        ..HoldQuery::default()
    })
}

/// The moment a day begins by the trust's clock.
fn midnight(site: &Site, day: Date) -> Option<SystemTime> {
    let zone = site.time_zone();
    let moment = zone.to_timestamp(day.to_datetime(Time::midnight())).ok()?;
    Some(system(moment))
}

/// The lines of these holds, without those that the caller may not know of.
pub(super) fn lines(site: &Site, caller: &Caller, holds: &[HoldSummary]) -> Vec<HoldLine> {
    let now = site.now();
    let seen = holds.iter().filter(|hold| {
        let (access, schools) = (&caller.access, site.schools());
        // A school may lie within the domain of another.
        access.may_on(Permission::SeeHolds, hold, schools)
    });
    seen.map(|hold| line(site, caller, hold, now)).collect()
}

/// The line of one hold, for somebody who may know of it.
pub(super) fn line(site: &Site, caller: &Caller, hold: &HoldSummary, now: SystemTime) -> HoldLine {
    let state = lifecycle::at(hold.state, hold.claim.as_ref(), now);
    let claim = hold.claim.as_ref().filter(|_| state == HoldState::Claimed);
    let sealed = hold.sealed.as_ref();
    let reads = caller
        .access
        .may_on(Permission::ReadContent, hold, site.schools());
    let rules = &site.pipeline().tools().policy.rules;
    let known = |id: &str| rules.iter().find(|rule| &*rule.id == id);
    let rcpts = sealed.map_or(&[][..], |sealed| &sealed.rcpt_to);
    HoldLine {
        id: hold.id.to_string(),
        reference: hold.id.reference().to_string(),
        state: state.name().to_owned(),
        version: hold.version,
        received_at: machine_time(hold.received_at),
        age_seconds: now
            .duration_since(hold.received_at)
            .map_or(0, |age| age.as_secs()),
        claimed_by: claim.map(|claim| claim.by.clone()),
        yours: claim.is_some_and(|claim| same_name(&claim.by, caller.actor())),
        legal_hold: hold.legal_hold,
        rules: hold
            .rules
            .iter()
            .map(|id| RuleName {
                id: id.clone(),
                title: known(id).map_or_else(|| id.clone(), |rule| rule.title.to_string()),
            })
            .collect(),
        urgent: state.is_waiting()
            && hold
                .rules
                .iter()
                .any(|id| known(id).is_some_and(|rule| rule.urgent)),
        categories: hold
            .categories
            .iter()
            .map(|category| category.name().to_owned())
            .collect(),
        sender: sealed.map(|sealed| sealed.mail_from.clone()),
        recipients: rcpts.iter().take(RECIPIENTS).cloned().collect(),
        more_recipients: rcpts.len().saturating_sub(RECIPIENTS),
        subject: sealed
            .and_then(|sealed| sealed.subject.clone())
            .filter(|_| reads),
        school: crate::console::access::school_of(hold, site.schools())
            .and_then(|id| Some(site.schools().get(&id)?.name.to_string())),
        own: caller.access.sent(hold),
        words: hold.word.map_or(0, |word| word.times),
        release_wanted: hold.word.is_some_and(|word| word.asks),
        decided_by: hold.decided_by.clone(),
        received: Some(hold.received_at),
    }
}

/// The category of this name.
pub fn category(name: &str) -> Option<Category> {
    use serde::Deserialize as _;
    let known: serde::de::value::StrDeserializer<'_, serde::de::value::Error> =
        name.into_deserializer();
    Category::deserialize(known).ok()
}

pub(super) fn wrong(text: &str) -> Refusal {
    Refusal::Wrong(text.to_owned())
}
