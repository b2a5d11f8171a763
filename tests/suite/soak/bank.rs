//! Accounts, payments between them, and notes: what must hold in every version, and the model that it is compared with.

use foliograph::{Database, NodeId, Snapshot, props};
use std::collections::BTreeMap;

pub const ACCOUNTS: usize = 40;
const START: i64 = 1_000;

/// What the store holds, changed while the write transaction is held, in the order of the versions.
#[derive(Debug, Default)]
pub struct Model {
    pub accounts: Vec<NodeId>,
    /// The last node, far from the first: its counter must be equal to that of the first.
    pub twin: Option<NodeId>,
    pub balances: Vec<i64>,
    /// Payments by number: from, to, amount.
    pub payments: BTreeMap<i64, (usize, usize, i64)>,
    pub last_payment: i64,
    /// Notes by key, with the lengths of their texts.
    pub notes: BTreeMap<i64, usize>,
    pub last_note: i64,
    pub counter: i64,
}

/// A store with accounts.
pub fn open_bank(db: &Database) -> Model {
    let mut tx = db.begin_write().expect("begun");
    let mut model = Model { balances: vec![START; ACCOUNTS], ..Model::default() };
    for n in 0..ACCOUNTS as i64 {
        let with = props! { "n" => n, "balance" => START, "paid" => 0, "got" => 0 };
        model.accounts.push(tx.add_node("account", n, with).expect("added"));
    }
    tx.set(model.accounts[0], "counter", 0).expect("set");
    for n in 0..500 {
        tx.add_node("filler", n, props! { "text" => "y".repeat(50) }).expect("added");
    }
    model.twin = Some(tx.add_node("twin", "t", props! { "counter" => 0 }).expect("added"));
    tx.commit().expect("committed");
    model
}

fn number(snapshot: &Snapshot, node: NodeId, property: &str) -> i64 {
    let found = snapshot.get::<i64>(node, property).expect("readable");
    found.unwrap_or_else(|| panic!("{node} has no {property} in version {}", snapshot.version()))
}

/// What must hold in every version; returns what it holds, short, for a comparison later.
pub fn expect_sound(snapshot: &Snapshot) -> Vec<(i64, i64, i64, i64)> {
    let version = snapshot.version();
    let (mut sum, mut edges, mut held) = (0, 0, Vec::new());
    let node =
        |label: &str, key: i64| snapshot.node(label, key).expect("readable").expect("it is never deleted");
    for n in 0..ACCOUNTS as i64 {
        let account = node("account", n);
        assert_eq!(number(snapshot, account, "n"), n);
        let balance = number(snapshot, account, "balance");
        sum += balance;
        let total = |out: bool| {
            let neighbors = snapshot.neighbors(account);
            let neighbors = if out { neighbors.outgoing() } else { neighbors.incoming() };
            let (mut total, mut count) = (0, 0);
            for neighbor in neighbors {
                let amount = neighbor.expect("readable").get::<i64>("amount").expect("readable");
                total += amount.expect("every payment has one");
                count += 1;
            }
            (total, count)
        };
        let ((paid, out), (got, _)) = (total(true), total(false));
        assert_eq!(paid, number(snapshot, account, "paid"), "version {version}: what account {n} paid");
        assert_eq!(got, number(snapshot, account, "got"), "version {version}: what account {n} got");
        edges += out;
        held.push((n, balance, paid, got));
    }
    assert_eq!(sum, START * ACCOUNTS as i64, "version {version}: the sum of all accounts");
    assert_eq!(edges, snapshot.edge_count(), "version {version}");
    let twin = snapshot.node("twin", "t").expect("readable").expect("it is never deleted");
    let counter = number(snapshot, twin, "counter");
    assert_eq!(counter, number(snapshot, node("account", 0), "counter"), "version {version}");
    held.push((-1, counter, snapshot.node_count() as i64, edges as i64));
    held
}

/// All notes: keys and the lengths of their texts.
pub fn notes(snapshot: &Snapshot) -> BTreeMap<i64, usize> {
    let mut notes = BTreeMap::new();
    for node in snapshot.all_nodes() {
        let id = node.expect("readable").id;
        if let Some(key) = snapshot.get::<i64>(id, "note").expect("readable") {
            assert_eq!(snapshot.node("note", key).expect("readable"), Some(id));
            let text = snapshot.get::<String>(id, "text").expect("readable").expect("every note has one");
            notes.insert(key, text.len());
        }
    }
    notes
}

impl Model {
    /// The newest version is what the model says.
    pub fn expect_in(&self, db: &Database) {
        let snapshot = db.begin_read().expect("a snapshot");
        let held = expect_sound(&snapshot);
        let balances: Vec<i64> = held[..ACCOUNTS].iter().map(|(_, balance, ..)| *balance).collect();
        assert_eq!(balances, self.balances);
        assert_eq!(notes(&snapshot), self.notes);
        assert_eq!(held[ACCOUNTS].1, self.counter);
        let mut payments = BTreeMap::new();
        let place = |id| self.accounts.iter().position(|account| *account == id).expect("an account");
        for edge in snapshot.all_edges() {
            let edge = edge.expect("readable");
            let props: BTreeMap<_, _> = snapshot.edge_props(edge).expect("readable").into_iter().collect();
            let number = |name: &str| match props.get(name) {
                Some(foliograph::Value::Int(number)) => *number,
                other => panic!("{edge:?} has {name} {other:?}"),
            };
            let payment = (place(edge.source), place(edge.target), number("amount"));
            payments.insert(number("n"), payment);
        }
        assert_eq!(payments, self.payments);
    }
}
