//! Paging: places survive whatever happens to the list meanwhile.

use super::*;

/// The next page of a list, from a place that went through text.
fn page<R: ReadPages>(reader: &Reader<R>, node: NodeId, words: &Words, len: usize) -> Vec<Hop> {
    let after = words.after.map(|cursor| cursor.to_string().parse().expect("a place"));
    let list = Words { after, ..words.clone() }.ask(reader, node).into_iter();
    list.take(len).map(|neighbor| neighbor.expect("read").cursor().hop()).collect()
}

struct Pages;

impl Claim for Pages {
    fn hold<R: ReadPages>(&mut self, reader: &Reader<R>, model: &Model, rng: &mut Rng) {
        for node in &model.nodes[..10] {
            let mut words = Words { after: None, ..Words::any(rng, model, &[]) };
            let wanted = model.answer(*node, &words);
            let len = wanted.len() / 7 + 1;
            let mut all = Vec::new();
            loop {
                let page = page(reader, *node, &words, len);
                all.extend_from_slice(&page);
                match page.last() {
                    Some(last) => words.after = Some((*last).into()),
                    None => break,
                }
            }
            assert_eq!(all, wanted, "{node} {words:?}");
        }
    }
}

#[test]
fn pages_of_a_list_together_are_the_list() {
    for seed in 20..24 {
        in_every_state(seed, 6_000, &mut Pages);
    }
}

/// Between two pages edges come and go, the one behind which to go on among them: what was there all the time comes
/// exactly once, and what comes at all is there when it comes.
#[test]
fn paging_goes_on_over_deletes_and_inserts() {
    for seed in 30..36 {
        println!("seed {seed}");
        let rng = &mut Rng::new(seed);
        let (db, mut model) = store(rng, 60);
        let mut tx = db.begin_write().expect("begun");
        model.grow(&mut tx, rng, 6_000);
        tx.commit().expect("committed");
        db.checkpoint().expect("written");
        let node = model.nodes[0];
        let mut words = Words { backwards: seed % 2 == 1, ..Words::all(Some(Direction::Both)) };
        let mut always: BTreeSet<Edge> = model.edges.clone();
        let mut seen = Vec::new();
        loop {
            let reader = db.begin_read().expect("begun");
            let list = page(&reader, node, &words, 150);
            assert_eq!(list, model.answer(node, &words).into_iter().take(150).collect::<Vec<_>>());
            seen.extend_from_slice(&list);
            let Some(last) = list.last() else { break };
            words.after = Some((*last).into());
            let mut tx = db.begin_write().expect("begun");
            if model.edges.remove(&last.edge(node)) {
                tx.delete_edge(last.edge(node)).expect("it is there");
            }
            model.shrink(&mut tx, rng, 100);
            always.retain(|edge| model.edges.contains(edge));
            model.grow(&mut tx, rng, 100);
            tx.commit().expect("committed");
            if rng.chance(1, 4) {
                db.checkpoint().expect("written");
            }
        }
        let sorted = |pair: &[Hop]| (pair[0] < pair[1]) != words.backwards;
        assert!(seen.windows(2).all(sorted), "nothing comes twice");
        let seen: BTreeSet<Edge> = seen.into_iter().map(|hop| hop.edge(node)).collect();
        let missed = always.iter().find(|e| (e.source == node || e.target == node) && !seen.contains(e));
        assert_eq!(missed, None, "what was there all the time comes");
    }
}
