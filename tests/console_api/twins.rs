//! What a page can do a program can do: each form has its route.

use std::collections::BTreeSet;

use super::console::bench;
use axum::http::Method;
use beadle::console::Key;

/// What a form does for programs.
enum Twin {
    /// This route does it.
    Route(&'static str, &'static str),
    /// Nothing does, because of this.
    None(&'static str),
}

use Twin::{None as No, Route};

/// Every form and its route. Those of tokens are where tokens are.
const TWINS: &[(&str, Twin)] = &[
    (
        "/account/sessions/end",
        Route("POST", "/api/v1/account/sessions/end"),
    ),
    ("/account/tokens", Route("POST", "/api/v1/tokens")),
    (
        "/account/tokens/{id}/end",
        Route("DELETE", "/api/v1/tokens/{id}"),
    ),
    (
        "/account/views/{id}/delete",
        Route("DELETE", "/api/v1/holds/views/{id}"),
    ),
    ("/breaches", Route("POST", "/api/v1/breaches")),
    ("/breaches/{id}", Route("PUT", "/api/v1/breaches/{id}")),
    (
        "/breaches/{id}/close",
        Route("POST", "/api/v1/breaches/{id}/close"),
    ),
    (
        "/deliveries/{id}/cancel",
        Route("POST", "/api/v1/deliveries/{id}/cancel"),
    ),
    (
        "/deliveries/{id}/retry",
        Route("POST", "/api/v1/deliveries/{id}/retry"),
    ),
    ("/holds/bulk", Route("POST", "/api/v1/holds/bulk/plan")),
    ("/holds/bulk/decide", Route("POST", "/api/v1/holds/bulk")),
    ("/holds/search", Route("POST", "/api/v1/holds/search")),
    ("/holds/views", Route("POST", "/api/v1/holds/views")),
    (
        "/holds/views/{id}/delete",
        Route("DELETE", "/api/v1/holds/views/{id}"),
    ),
    (
        "/holds/{id}/approve",
        Route("POST", "/api/v1/holds/{id}/approve"),
    ),
    (
        "/holds/{id}/attachments/{number}",
        Route("POST", "/api/v1/holds/{id}/attachments/{number}"),
    ),
    (
        "/holds/{id}/claim",
        Route("POST", "/api/v1/holds/{id}/claim"),
    ),
    (
        "/holds/{id}/decline",
        Route("POST", "/api/v1/holds/{id}/decline"),
    ),
    (
        "/holds/{id}/judge",
        Route("POST", "/api/v1/holds/{id}/judge"),
    ),
    (
        "/holds/{id}/legal-hold",
        Route("POST", "/api/v1/holds/{id}/legal-hold"),
    ),
    (
        "/holds/{id}/message",
        Route("POST", "/api/v1/holds/{id}/message"),
    ),
    (
        "/holds/{id}/refuse",
        Route("POST", "/api/v1/holds/{id}/refuse"),
    ),
    (
        "/holds/{id}/release",
        Route("POST", "/api/v1/holds/{id}/release"),
    ),
    ("/holds/{id}/save", Route("POST", "/api/v1/holds/{id}/save")),
    // With `take_over`.
    (
        "/holds/{id}/take-over",
        Route("POST", "/api/v1/holds/{id}/claim"),
    ),
    (
        "/holds/{id}/unclaim",
        Route("POST", "/api/v1/holds/{id}/unclaim"),
    ),
    (
        "/holds/{id}/unmask",
        Route("POST", "/api/v1/holds/{id}/unmask"),
    ),
    (
        "/holds/{id}/withdraw",
        Route("POST", "/api/v1/holds/{id}/withdraw"),
    ),
    ("/ledger", Route("POST", "/api/v1/ledger/search")),
    ("/ledger/verify", Route("POST", "/api/v1/ledger/verify")),
    (
        "/mine/{reference}/initials",
        Route("POST", "/api/v1/mine/{reference}/initials"),
    ),
    (
        "/mine/{reference}/say",
        Route("POST", "/api/v1/mine/{reference}/say"),
    ),
    (
        "/mine/{reference}/take-back",
        Route("POST", "/api/v1/mine/{reference}/take-back"),
    ),
    (
        "/people/{id}/disable",
        Route("POST", "/api/v1/people/{id}/disable"),
    ),
    (
        "/people/{id}/enable",
        Route("POST", "/api/v1/people/{id}/enable"),
    ),
    (
        "/people/{id}/grants",
        Route("PUT", "/api/v1/people/{id}/grants"),
    ),
    (
        "/people/{id}/remove",
        Route("DELETE", "/api/v1/people/{id}"),
    ),
    (
        "/people/{id}/sign-out",
        Route("POST", "/api/v1/people/{id}/sign-out"),
    ),
    ("/policies/propose", Route("POST", "/api/v1/policies")),
    (
        "/policies/{id}/approve",
        Route("POST", "/api/v1/policies/{id}/approve"),
    ),
    (
        "/policies/{id}/reject",
        Route("POST", "/api/v1/policies/{id}/reject"),
    ),
    (
        "/policies/{id}/replay",
        Route("POST", "/api/v1/policies/{id}/replay"),
    ),
    ("/retention/count", Route("POST", "/api/v1/retention/count")),
    (
        "/retention/proof",
        Route("GET", "/api/v1/retention/proofs/{id}"),
    ),
    ("/roster/count", Route("POST", "/api/v1/roster/count")),
    ("/sign-in", No("a program has a token and no password")),
    (
        "/sign-out",
        No("a program has no session; its token is ended"),
    ),
    (
        "/sign-out-everywhere",
        Route("POST", "/api/v1/account/sessions/end"),
    ),
    // A program whose token leaked must not end those of everybody.
    ("/tokens/{id}/end", No("ended by a person, at a page")),
];

#[tokio::test]
async fn every_form_has_its_route_and_every_page_that_acts_is_a_form() {
    let bench = bench().await;
    let doors = beadle::console::doors(&bench.site);
    let routes: BTreeSet<(&str, &str)> = doors
        .list()
        .iter()
        .filter(|door| matches!(door.key, Key::Token(_)))
        .map(|door| (door.method.as_str(), door.path))
        .collect();
    let forms = doors
        .list()
        .iter()
        .filter(|door| door.method == Method::POST && !matches!(door.key, Key::Token(_)));
    let mut seen = 0;
    for form in forms {
        seen += 1;
        let twin = TWINS.iter().find(|(path, _)| *path == form.path);
        match twin.map(|(_, twin)| twin) {
            Some(Route(method, path)) => {
                let there = routes.contains(&(*method, *path));
                assert!(there, "{}: no {method} {path}", form.path);
            }
            Some(No(reason)) => assert!(reason.len() > 10, "{}", form.path),
            None => panic!("{} has no twin and no reason", form.path),
        }
    }
    assert!(seen > 40, "{seen} forms");
}

#[tokio::test]
async fn every_place_that_people_see_programs_see() {
    let bench = bench().await;
    let doors = beadle::console::doors(&bench.site);
    let has = |path: String| {
        let mut all = doors.list().iter();
        all.any(|door| door.path == path && door.method == Method::GET)
    };
    for place in bench.site.places() {
        let path = match place.href {
            "/" => "/api/v1/overview".to_owned(),
            // One for each kind of report.
            "/reports" => "/api/v1/reports/{kind}".to_owned(),
            place => format!("/api/v1{place}"),
        };
        assert!(has(path.clone()), "no {path}");
    }
}
