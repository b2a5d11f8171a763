//! A store that was killed while its log held commits, as the command meets it: whole, torn at its end, and damaged.

use super::place::Place;
use ::foliograph::{Database, Options, PageSize, props};

/// Copies a store at a moment when five commits are in its log and nowhere else. Gives the bytes, and where the log's
/// groups are in them.
fn killed(place: &Place) -> (Vec<u8>, Vec<usize>) {
    let path = place.path().join("alive.folio");
    let db: Database = Options::new()
        .page_size(PageSize::K4)
        .background(false)
        .checkpoint_interval(None)
        .create(&path)
        .expect("a new store");
    for i in 0..5i64 {
        let mut tx = db.begin_write().expect("nobody else writes");
        tx.add_node("n", i, props! { "i" => i }).expect("a new node");
        tx.commit().expect("the disk works");
    }
    let bytes = std::fs::read(&path).expect("readable");
    let groups = (0..bytes.len()).step_by(4096).filter(|at| bytes[*at..].starts_with(b"FOLIOLOG"));
    let groups: Vec<usize> = groups.collect();
    assert_eq!(groups.len(), 5);
    (bytes, groups)
}

#[test]
fn a_group_of_the_log_that_is_missing_and_was_durable_is_damage_for_check_and_names_its_place() {
    let place = Place::empty();
    let (whole, groups) = killed(&place);
    for (group, at) in groups.iter().enumerate().take(4) {
        for byte in [0, 8, 40, 72, 97] {
            let mut bytes = whole.clone();
            bytes[at + byte] ^= 0x10;
            std::fs::write(place.store(), &bytes).expect("written");
            let ran = place.run("check STORE").go();
            let place_of_group = format!("group {} (page {})", group + 1, at / 4096);
            assert_eq!(ran.code, 3, "{ran}");
            let said = format!("{}{}", ran.out, ran.err);
            assert!(said.contains(&place_of_group), "`{place_of_group}` is not said: {ran}");
            let hint = place.run("get STORE n/0").go().fails(1, &[&place_of_group]);
            assert!(!hint.hint().is_empty(), "damage has a hint: {hint}");
            assert!(
                std::fs::read(place.store()).expect("readable") == bytes,
                "a damaged store was written to"
            );
        }
    }
}

#[test]
fn a_log_whose_last_group_is_torn_is_a_store_with_the_commits_before_it() {
    let place = Place::empty();
    let (mut bytes, groups) = killed(&place);
    bytes[groups[4] + 97] ^= 0x10;
    std::fs::write(place.store(), &bytes).expect("written");
    place.run("apply STORE -").stdin("\n").go().ok();
    place.run("get STORE n/3").go().ok();
    place.run("get STORE n/4").go().fails(4, &[]);
    place.run("check STORE").go().says("ok\n");
}
