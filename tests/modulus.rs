//! Account numbers against a weight table: every method and exception by sums worked by hand, on sort codes that no bank has.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use beadle::detect::{Catalogue, Confidence, Engine, Finding, Fit, ModulusTable, ScanContext};
use beadle::extract::{Content, Location, Place, Unit, View};
use beadle::limits::{Budget, Limits};
use beadle::roster::Roster;

/// Weights of our own but for 499273, the publisher's example of the double alternate method.
const TABLE: &str = "\
499273 499273 DBLAL    2    1    2    1    2    1    2    1    2    1    2    1    2    1
990001 990001 MOD10    0    0    0    0    0    0    7    1    3    7    1    3    7    1
990002 990002 DBLAL    0    0    0    0    0    0    2    1    2    1    2    1    2    1   1
990003 990003 MOD11    0    0    3    2    9    8    5    7    6    5    4    3    2    1   2
990003 990003 MOD11    0    0    3    2    9    8    1    7    6    5    4    3    2    1   9
990004 990004 MOD11    0    0    0    0    0    0    8    7    6    5    4    3    2    1
990004 990004 DBLAL    0    0    0    0    0    0    2    1    2    1    2    1    2    1   3
990005 990006 MOD11    0    0    0    0    0    5    7    6    5    4    3    2    0    0   5
990005 990006 DBLAL    0    0    0    0    0    0    2    1    2    1    2    1    2    0   5
990007 990007 MOD11    0    0    0    0    0    0    8    7    6    5    4    3    2    1   6
990008 990008 MOD10    0    0    0    0    0    1    0    0    0    0    0    0    0    1   8
990009 990009 MOD11    0    0    0    0    0    0    8    7    6    5    4    3    2    1  10
990009 990009 MOD10    0    0    0    0    0    0    0    0    0    0    0    0    0    1  11
990010 990010 MOD11    0    0    0    0    0    0    8    7    6    5    4    3    2    1  12
990010 990010 MOD10    0    0    0    0    0    0    0    0    0    0    0    0    0    1  13
990011 990011 MOD11    0    0    0    0    0    0    8    7    6    5    4    3    2    1  14
990012 990019 MOD10    0    0    0    0    0    0    7    1    3    7    1    3    7    1   7
990020 990029 MOD11    0    0    0    0    0    0    8    7    6    5    4    3    0    0   4
990030 990030 MOD11    0    0    0    0    0    8    9    4    5    6    7    8    9   -1
";
const SUBSTITUTES: &str = "990005 990006\n";

fn table() -> ModulusTable {
    ModulusTable::parse(TABLE, SUBSTITUTES).unwrap()
}

fn fit(sort: &str, account: &str) -> Fit {
    table().check(sort.as_bytes(), account.as_bytes())
}

#[track_caller]
fn tells_apart(sort: &str, fits: &[&str], misfits: &[&str]) {
    for account in fits {
        assert_eq!(fit(sort, account), Fit::Fits, "{sort} {account}");
    }
    for account in misfits {
        assert_eq!(fit(sort, account), Fit::Misfit, "{sort} {account}");
    }
}

#[test]
fn the_three_methods() {
    tells_apart("499273", &["12345678"], &["12345679"]); // 70
    tells_apart("990001", &["10000003"], &["10000004"]); // 7 + 3
    // A negative weight: 9 - 9.
    tells_apart("990030", &["10000009"], &["10000001"]);
}

#[test]
fn every_exception() {
    tells_apart("990002", &["00000003"], &["00000004"]); // 1: 3 + 27
    // 2 and 9: the first with other weights where g is 9, 27 + 6; the second with the sort code of euro accounts, 209 = 19 * 11.
    tells_apart("990003", &["10000096", "12345668"], &["12345669"]);
    // 3: 36 + 8, and the second check left out for c = 6; for c = 5 it is made and fails.
    tells_apart("990004", &["00600008"], &["00500003"]);
    tells_apart("990020", &["10000008"], &["10000009", "10000018"]); // 4: 8 is the remainder, g and h are 08
    // 5: the substitute's z gives 30, remainder 8, g = 3; 6 gives h = 4. With d = 1 the remainder is 1, which no digit mends.
    tells_apart(
        "990005",
        &["00000034"],
        &["00000084", "00000035", "00010003"],
    );
    assert_eq!(fit("990007", "41000066"), Fit::Unlisted); // 6: foreign currency
    tells_apart("990007", &["00000019"], &["41000067"]);
    tells_apart("990012", &["99000097", "10000003"], &["99000098"]); // 7: only g and h count, 63 + 7
    tells_apart("990008", &["00000004"], &["00000002"]); // 8: z is 6
    // 10 and 11: a and b do not count, 18 + 4; the second passes alone.
    tells_apart(
        "990009",
        &["09000094", "99000094", "00000010"],
        &["19000094"],
    );
    tells_apart("990010", &["00000019", "00000010"], &["00000011"]); // 12 and 13: either
    tells_apart("990011", &["98093517", "00000190"], &["00000192"]); // 14, the publisher's examples
}

#[test]
fn what_is_not_listed_proves_nothing() {
    for (sort, account) in [
        ("990031", "10000003"),
        ("000000", "10000003"),
        ("99000", "10000003"),
        ("990001", "1000000"),
        ("99000x", "10000003"),
    ] {
        assert_eq!(fit(sort, account), Fit::Unlisted, "{sort} {account}");
    }
}

#[test]
fn a_fault_names_its_line() {
    let fault = |weights: &str, substitutes: &str| {
        ModulusTable::parse(weights, substitutes)
            .unwrap_err()
            .to_string()
    };
    assert!(fault("", "").contains("found no rule"));
    let method = TABLE.replacen("MOD10", "MOD12", 1);
    assert!(
        fault(&method, "").starts_with("line 2: "),
        "{}",
        fault(&method, "")
    );
    assert!(fault(&method, "").contains("MOD10, MOD11 or DBLAL"));
    for (from, to) in [
        ("990001 990001", "990001 990000"),
        ("990001 990001", "99001 990001"),
        (
            "    7    1    3    7    1    3    7    1\n",
            "    7    1    3\n",
        ),
        ("  1\n990003", "  99\n990003"),
    ] {
        assert_ne!(TABLE.replacen(from, to, 1), TABLE);
        assert!(fault(&TABLE.replacen(from, to, 1), "").contains("allowed: "));
    }
    assert!(fault(TABLE, "990005\n").starts_with("line 1: "));
}

fn found(table: Option<ModulusTable>, text: &str) -> Option<Finding> {
    let none = Roster::default();
    let engine = Engine::build(&none, &none, &Catalogue::embedded().unwrap(), [7; 16])
        .unwrap()
        .with_modulus(table);
    let content = Content {
        units: vec![Unit {
            location: Location::of(Place::Body),
            view: View::Visible,
            text: text.to_owned(),
        }],
        ..Content::default()
    };
    let budget = Budget::new(Arc::new(Limits::default()));
    let findings = engine.scan(&content, &ScanContext::default(), &budget);
    let bank = |finding: &Finding| finding.detector.as_ref() == "sort-code-account";
    findings.list.into_iter().find(bank)
}

#[test]
fn the_table_moves_the_confidence_of_bank_details() {
    let confidence = |table, text: &str| found(table, text).map(|finding| finding.confidence);
    let named = "Sort code 99-00-01, account number 10000004";
    assert_eq!(confidence(None, named), Some(Confidence::High));
    assert_eq!(confidence(Some(table()), named), Some(Confidence::Low));
    assert_eq!(
        confidence(Some(table()), &named.replace("0004", "0003")),
        Some(Confidence::High)
    );
    assert_eq!(
        confidence(Some(table()), &named.replace("99-00-01", "99-00-31")),
        Some(Confidence::High)
    );
    let bare = "It is 99 00 01 10000003 as before.";
    assert_eq!(confidence(None, bare), None);
    assert_eq!(confidence(Some(table()), bare), Some(Confidence::Medium));
    assert_eq!(
        confidence(Some(table()), &bare.replace("0003", "0004")),
        None
    );
    let reasons = found(Some(table()), bare).unwrap().reasons;
    assert!(
        reasons.contains(&"the account number fits its sort code".to_owned()),
        "{reasons:?}"
    );
}
