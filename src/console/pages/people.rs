//! Who may sign in, and what they may do.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::console::access::Permission;
use crate::console::acts::people::{self, GrantLine, PersonLine, PersonPage, SessionLine};
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::frame::Frame;
use crate::console::page::{done, page};
use crate::console::pages::parts::{Choice, When, school};
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;
use crate::store::{Grant, Role};

/// People.
pub fn doors(doors: Doors) -> Doors {
    use Permission::{ManagePeople, SeePeople};
    doors
        .get("/people", SeePeople, list)
        .get("/people/{id}", SeePeople, show)
        .post_fresh("/people/{id}/grants", ManagePeople, grant)
        .post("/people/{id}/disable", ManagePeople, disable)
        .post_fresh("/people/{id}/enable", ManagePeople, enable)
        .post("/people/{id}/sign-out", ManagePeople, sign_out)
        .post_fresh("/people/{id}/remove", ManagePeople, remove)
}

/// Somebody with what they may do in words.
struct Line {
    of: PersonLine,
    grants: Vec<String>,
    seen: Option<When>,
}

/// A role to give, for which schools.
struct RoleChoice {
    role: &'static str,
    chosen: bool,
    /// For which schools; none for a role that has none.
    schools: Vec<Choice>,
}

/// A session in words.
struct Open {
    of: SessionLine,
    began: When,
    seen: When,
}

#[derive(askama::Template)]
#[template(path = "people.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
    manages: bool,
}

#[derive(askama::Template)]
#[template(path = "person.html")]
struct OnePage {
    frame: Frame,
    line: Line,
    created: When,
    sessions: Vec<Open>,
    roles: Vec<RoleChoice>,
    manages: bool,
    error: Option<String>,
}

async fn list(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let frame = Frame::of(&site, &signed, "people-title", "/people").after(fields.one("done"));
    let all = people::list(&site, &signed).await?;
    Ok(page(&ListPage {
        lines: all.into_iter().map(|of| line(&site, &frame, of)).collect(),
        manages: signed.access.may(Permission::ManagePeople),
        frame,
    }))
}

fn line(site: &Site, frame: &Frame, of: PersonLine) -> Line {
    let grant = |grant: &GrantLine| {
        let role = frame.words.of("role", grant.role);
        if grant.schools.is_empty() {
            return role;
        }
        let schools = grant.schools.iter();
        let schools: Vec<String> = schools.map(|id| school(site, frame, Some(id))).collect();
        format!("{role}: {}", schools.join(", "))
    };
    Line {
        grants: of.grants.iter().map(grant).collect(),
        seen: When::maybe(site, of.signed_in_at),
        of,
    }
}

/// Roles with what somebody has of them ticked.
fn roles(site: &Site, has: &[GrantLine]) -> Vec<RoleChoice> {
    let choice = |role: Role| {
        let own: Vec<&GrantLine> = has.iter().filter(|one| one.role == role.name()).collect();
        let whole = matches!(role, Role::It | Role::Sender);
        let schools = site.schools().iter().filter(|_| !whole);
        RoleChoice {
            role: role.name(),
            chosen: !own.is_empty(),
            schools: schools
                .map(|school| Choice {
                    id: school.id.to_string(),
                    name: school.name.to_string(),
                    chosen: own
                        .iter()
                        .any(|one| one.schools.iter().any(|id| **id == *school.id)),
                })
                .collect(),
        }
    };
    Role::ALL.into_iter().map(choice).collect()
}

async fn show(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    one(&site, &signed, (&id, &fields), None).await
}

async fn one(
    site: &Site,
    signed: &Signed,
    (id, fields): (&str, &Fields),
    error: Option<String>,
) -> Result<Response, Refusal> {
    let of: PersonPage = people::show(site, signed, id).await?;
    let frame = Frame::of(site, signed, "people-title", "/people").after(fields.one("done"));
    let wrong = error.is_some();
    // A form with an error keeps what was ticked.
    let has = if wrong && fields.has("roles-sent") {
        wanted(fields).iter().map(sent).collect()
    } else {
        of.line.grants.clone()
    };
    let session = |of: &SessionLine| Open {
        began: When::of(site, of.began_at),
        seen: When::of(site, of.seen_at),
        of: of.clone(),
    };
    let mut response = page(&OnePage {
        created: When::of(site, of.created_at),
        sessions: of.sessions.iter().map(session).collect(),
        roles: roles(site, &has),
        manages: signed.access.may(Permission::ManagePeople) && !of.line.own,
        error,
        line: line(site, &frame, of.line.clone()),
        frame: frame.titled(of.line.name),
    });
    if wrong {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

fn sent(grant: &Grant) -> GrantLine {
    GrantLine {
        role: grant.role.name(),
        schools: grant.schools.clone(),
    }
}

/// The grants that a form asks for: `role` for each role, `schools-ROLE` for each of its schools.
fn wanted(fields: &Fields) -> Vec<Grant> {
    let chosen: Vec<Role> = fields.all("role").filter_map(Role::of).collect();
    let all = Role::ALL.into_iter().filter(|role| chosen.contains(role));
    all.map(|role| {
        let name = format!("schools-{}", role.name());
        Grant {
            role,
            schools: fields.all(&name).map(str::to_owned).collect(),
        }
    })
    .collect()
}

fn version(fields: &Fields) -> Result<i64, Refusal> {
    let version = fields.text("version").parse();
    version.map_err(|_| Refusal::Wrong("version".to_owned()))
}

/// The page of somebody after something was done, or again with what is wrong.
async fn after(
    site: &Site,
    signed: &Signed,
    (id, fields): (&str, &Fields),
    (made, key): (Result<(), Refusal>, &str),
) -> Result<Response, Refusal> {
    match made {
        Ok(()) => Ok(done(&format!("/people/{id}"), key)),
        Err(Refusal::Wrong(error)) => one(site, signed, (id, fields), Some(error)).await,
        Err(refusal) => Err(refusal),
    }
}

async fn grant(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let at = (id.as_str(), version(&fields)?);
    let made = people::grant(&site, &signed, at, wanted(&fields)).await;
    after(&site, &signed, (&id, &fields), (made, "person-granted")).await
}

async fn disable(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let made = people::disable(&site, &signed, (&id, version(&fields)?), true).await;
    after(&site, &signed, (&id, &fields), (made, "person-disabled")).await
}

async fn enable(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let made = people::disable(&site, &signed, (&id, version(&fields)?), false).await;
    after(&site, &signed, (&id, &fields), (made, "person-enabled")).await
}

async fn sign_out(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let made = people::sign_out(&site, &signed, &id).await.map(|_| ());
    after(&site, &signed, (&id, &fields), (made, "person-signed-out")).await
}

async fn remove(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    match people::remove(&site, &signed, &id).await {
        Ok(()) => Ok(done("/people", "person-removed")),
        Err(Refusal::Wrong(error)) => one(&site, &signed, (&id, &fields), Some(error)).await,
        Err(refusal) => Err(refusal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::pages::rehearsal::{Bench, bench, is_denied, signed, text};
    use crate::mail::QueueId;
    use crate::store::{AccountKind, NewAccount};

    async fn account(bench: &Bench, login: &str, role: Role) -> String {
        let new = NewAccount {
            kind: AccountKind::Oidc,
            login: login.to_owned(),
            name: login.to_owned(),
            address: None,
            grants: vec![Grant {
                role,
                schools: Vec::new(),
            }],
        };
        let made = bench.store.create_account(new, "host", bench.site.now());
        made.await.unwrap().to_string()
    }

    /// A data protection officer, signed in with this account.
    async fn officer(bench: &Bench, id: &str) -> Signed {
        let id: QueueId = id.parse().unwrap();
        let mut officer = signed("d.officer", Role::Dpo, &[]);
        officer.caller.account = bench.store.account(id).await.unwrap();
        officer
    }

    #[tokio::test]
    async fn roles_are_given_for_schools_and_a_stale_form_changes_nothing() {
        let bench = bench().await;
        let own = account(&bench, "d.officer", Role::Dpo).await;
        let other = account(&bench, "t.new", Role::Sender).await;
        let dpo = officer(&bench, &own).await;
        let at = || State(bench.site.clone());
        let path = || Path(other.clone());
        let all = text(list(at(), dpo.clone(), Fields::default()).await).await;
        assert!(
            all.contains("t.new") && all.contains("beadle account create"),
            "{all}"
        );
        let form = Fields::parse(b"roles-sent=1&version=1&role=head");
        let none = text(grant(at(), dpo.clone(), path(), form).await).await;
        assert!(none.contains("A head needs at least one school."), "{none}");
        assert!(
            none.contains(
                "id=\"role-head\" name=\"role\" type=\"checkbox\" value=\"head\" checked"
            )
        );
        let form = || Fields::parse(b"roles-sent=1&version=1&role=head&schools-head=oak");
        grant(at(), dpo.clone(), path(), form()).await.unwrap();
        let page = text(show(at(), dpo.clone(), path(), Fields::default()).await).await;
        assert!(page.contains("Head or delegate: Oak School"), "{page}");
        let stale = grant(at(), dpo.clone(), path(), form()).await;
        assert_eq!(stale.unwrap_err().status(), StatusCode::CONFLICT);
        let unknown = Fields::parse(b"roles-sent=1&version=2&role=head&schools-head=ash");
        let page = text(grant(at(), dpo, path(), unknown).await).await;
        assert!(page.contains("There is no such school."));
    }

    #[tokio::test]
    async fn nobody_changes_themselves_and_the_last_officer_stays() {
        let bench = bench().await;
        let own = account(&bench, "d.officer", Role::Dpo).await;
        let at = || State(bench.site.clone());
        let dpo = officer(&bench, &own).await;
        let form = || Fields::parse(b"version=1");
        let path = |id: &str| Path(id.to_owned());
        let page = text(remove(at(), dpo.clone(), path(&own), form()).await).await;
        assert!(
            page.contains("You cannot change your own account."),
            "{page}"
        );
        let page = text(grant(at(), dpo.clone(), path(&own), form()).await).await;
        assert!(page.contains("You cannot change your own account."));
        // Somebody whose session outlives their account would be the only other officer.
        let gone = signed("g.one", Role::Dpo, &[]);
        for page in [
            text(remove(at(), gone.clone(), path(&own), form()).await).await,
            text(disable(at(), gone.clone(), path(&own), form()).await).await,
            text(grant(at(), gone, path(&own), form()).await).await,
        ] {
            assert!(page.contains("the last data protection officer"), "{page}");
        }
        let second = account(&bench, "s.econd", Role::Dpo).await;
        disable(at(), dpo.clone(), path(&second), form())
            .await
            .unwrap();
        let page = text(show(at(), dpo.clone(), path(&second), Fields::default()).await).await;
        assert!(page.contains("May not sign in"), "{page}");
        let form = Fields::parse(b"version=2");
        enable(at(), dpo.clone(), path(&second), form)
            .await
            .unwrap();
        sign_out(at(), dpo.clone(), path(&second), Fields::default())
            .await
            .unwrap();
        remove(at(), dpo, path(&second), Fields::default())
            .await
            .unwrap();
        assert_eq!(bench.store.accounts().await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn an_auditor_looks_and_others_see_nobody() {
        let bench = bench().await;
        let id = account(&bench, "t.new", Role::Sender).await;
        let at = || State(bench.site.clone());
        let path = || Path(id.clone());
        let auditor = || signed("a.udit", Role::Auditor, &[]);
        let page = text(show(at(), auditor(), path(), Fields::default()).await).await;
        assert!(
            page.contains("t.new") && !page.contains("/remove\""),
            "{page}"
        );
        let form = || Fields::parse(b"version=1");
        assert!(is_denied(&grant(at(), auditor(), path(), form()).await));
        assert!(is_denied(&disable(at(), auditor(), path(), form()).await));
        assert!(is_denied(&enable(at(), auditor(), path(), form()).await));
        assert!(is_denied(&sign_out(at(), auditor(), path(), form()).await));
        assert!(is_denied(&remove(at(), auditor(), path(), form()).await));
        for (role, schools) in [(Role::It, &[][..]), (Role::Head, &["oak"][..])] {
            let other = signed("o.ther", role, schools);
            assert!(is_denied(
                &list(at(), other.clone(), Fields::default()).await
            ));
            assert!(is_denied(
                &show(at(), other, path(), Fields::default()).await
            ));
        }
    }
}
