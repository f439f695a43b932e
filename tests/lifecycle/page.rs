//! `docs/CUSTODY.md` prints the table of `quarantine::lifecycle`. `BEADLE_BLESS=1 cargo test --test lifecycle` writes it anew.

use beadle::quarantine::lifecycle;

const BEGIN: &str = "<!-- table of quarantine::lifecycle, written by a test -->\n";
const END: &str = "<!-- end of the table -->\n";

#[test]
fn the_page_prints_the_table_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/CUSTODY.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    let table = lifecycle::table();
    if std::env::var_os("BEADLE_BLESS").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert!(
        found == table,
        "docs/CUSTODY.md is stale: run BEADLE_BLESS=1 cargo test --test lifecycle"
    );
}
