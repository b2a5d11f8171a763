//! What is saved is that of one root: the older one, one whose twin is lost, one whose file was cut, one with a log.

use super::*;

/// Two versions of a store, as the file is while it is open.
fn two_versions() -> Vec<u8> {
    let device = Arc::new(MemoryDevice::new(PageSize::K4));
    let options = Options::new().durability(crate::Durability::Checkpoint);
    let db = options.create_device(device.clone()).expect("created");
    for key in ["first", "second"] {
        let mut tx = db.begin_write().expect("begun");
        tx.add_node("n", key, props! { "of" => key }).expect("added");
        tx.commit().expect("committed");
    }
    device.image()
}

fn keys(found: &(Nodes, Edges)) -> Vec<String> {
    found.0.values().map(|(_, key, _)| key.as_ref().map_or("none".into(), Key::to_string)).collect()
}

#[test]
fn the_older_root_is_the_state_before_the_last_commit() {
    let image = two_versions();
    let (report, found) = saved(&image, &SalvageOptions::default());
    assert_eq!(
        (keys(&found), report.version, report.is_whole()),
        (vec!["first".into(), "second".into()], 2, true)
    );
    let (report, found) = saved(&image, &SalvageOptions { older_root: true });
    assert_eq!((keys(&found), report.version, report.is_whole()), (vec!["first".to_owned()], 1, true));
}

#[test]
fn with_both_copies_of_a_root_record_gone_the_other_one_is_taken_and_that_is_said() {
    let image = two_versions();
    let newest = Inspector::new(device(&image)).meta().expect("there is one").generation;
    let first = 1 + newest % 2;
    let mut damaged = image.clone();
    for page in [first, first + 2] {
        destroy(&mut damaged, PageId::new(page), WAYS[1], &mut Rng::new(page));
    }
    let (report, found) = saved(&damaged, &SalvageOptions::default());
    assert_eq!((keys(&found), report.version, report.notes.len()), (vec!["first".to_owned()], 1, 1));
    assert_eq!(report.unreadable_count, 2, "{report:?}");
    for page in 1..5 {
        destroy(&mut damaged, PageId::new(page), WAYS[0], &mut Rng::new(page));
    }
    let to = Options::new().create_device(Arc::new(MemoryDevice::new(PageSize::K4))).expect("created");
    let nothing = salvage(device(&damaged), &to, &SalvageOptions::default(), &mut |_, _| true);
    assert!(matches!(nothing, Err(crate::salvage::SalvageError::NoRoot)), "{nothing:?}");
}

#[test]
fn a_file_that_was_cut_gives_what_is_left() {
    let intact = Intact::new(filled());
    for keep in [5, 20, 100, intact.image.len() / SIZE - 1] {
        let (report, found) = saved(&intact.image[..keep * SIZE], &SalvageOptions::default());
        assert!(report.notes.iter().any(|note| note.contains("cut short")), "{report:?}");
        let known = |(id, (_, key, _)): (&u64, &(String, Option<Key>, Props))| {
            key.is_none() || intact.nodes.get(id).is_some_and(|node| node.1 == *key)
        };
        assert!(found.0.iter().all(known) || report.old_versions, "{keep} pages");
    }
}

#[test]
fn what_is_not_empty_is_not_saved_into_and_progress_can_stop_it() {
    let image = two_versions();
    let to = Options::new().create_device(Arc::new(MemoryDevice::new(PageSize::K4))).expect("created");
    let stopped = salvage(device(&image), &to, &SalvageOptions::default(), &mut |_, _| false);
    assert!(matches!(stopped, Err(crate::salvage::SalvageError::Cancelled)), "{stopped:?}");
    salvage(device(&image), &to, &SalvageOptions::default(), &mut |_, _| true)
        .expect("nothing was left behind");
    let again = salvage(device(&image), &to, &SalvageOptions::default(), &mut |_, _| true);
    assert!(matches!(again, Err(crate::salvage::SalvageError::NotEmpty)), "{again:?}");
}

#[test]
fn what_stands_only_in_the_log_is_saved_whichever_page_is_lost() {
    let device = device(&filled());
    let db = Options::new().background(false).open_device(device.clone()).expect("opens");
    for n in 0..3 {
        let mut tx = db.begin_write().expect("begun");
        let late = tx.add_node("late", n, props! { "n" => n }).expect("added");
        tx.add_edge(id(1), "knows", late, props! {}).expect("added");
        if n == 1 {
            tx.create_index(IndexOn::Label("late"), "n", true).expect("made");
        }
        tx.commit().expect("committed");
    }
    let image = device.image();
    let root = db.pager().durable_meta();
    let used = Inspector::new(device).in_use(&root);
    drop(db);
    let late = |nodes: &Nodes| nodes.values().filter(|(label, ..)| label == "late").count();
    let (report, (nodes, edges)) = saved(&image, &SalvageOptions::default());
    assert!(report.is_whole() && report.notes == ["3 commits were saved out of the log"], "{report:?}");
    assert_eq!((late(&nodes), report.version, edges.len() as u64), (3, root.lsn + 3, report.edges));
    let (_, (nodes, _)) = saved(&image, &SalvageOptions { older_root: true });
    assert_eq!(late(&nodes), 0, "the older root was asked for");
    let (mut tried, mut replayed) = (0, 0);
    for page in (1..used.len()).filter(|page| used[*page] == Some(true)).step_by(3) {
        let mut image = image.clone();
        image[page * SIZE..][..SIZE].fill(0xee);
        let (report, to) = saved_store(&image, &SalvageOptions::default());
        let (nodes, edges) = contents(&to.begin_read().expect("begun"));
        // The property's name may be lost with the catalog.
        let late_index = indexes_of(&to).iter().any(|(name, unique)| name.starts_with("late.") && *unique);
        assert!(late_index, "page {page}: {report:?}");
        tried += 1;
        replayed += usize::from(report.notes.iter().any(|note| note.ends_with("were saved out of the log")));
        // Where the replay needs this very page, operations are done one by one.
        assert_eq!(late(&nodes), 3, "page {page}: {report:?}");
        let ends =
            |(_, _, to, _): &(u64, String, u64, u32)| nodes.get(to).is_some_and(|node| node.0 == "late");
        assert_eq!(edges.keys().filter(|edge| ends(edge)).count(), 3, "page {page}: {report:?}");
        assert!(report.nodes_lost.is_none_or(|lost| lost < 100), "page {page}: {report:?}");
    }
    assert!(tried > 20 && replayed > tried / 2 && replayed < tried, "{replayed} of {tried}");
}
