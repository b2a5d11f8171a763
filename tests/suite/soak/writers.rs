//! Writers: payments, notes, counters, in transactions of all sizes and durabilities; some are aborted, some wait together.

use super::bank::{ACCOUNTS, Model};
use super::{LOG, Soak, count};
use foliograph::storage_core::device::sim::Rng;
use foliograph::storage_core::pager::ReadPages;
use foliograph::{Durability, Edge, Reader, Value, WriteError, WriteTransaction, props};

type Done = Result<(), WriteError>;

/// The most payments and notes that there are at a time.
const MOST: usize = 300;

fn begin(soak: &Soak, rng: &mut Rng) -> WriteTransaction {
    let (used, limit) = soak.db.pager().log_pressure();
    if used > limit / 4 * 3 {
        count(&soak.counts.tight);
    }
    let mut tx = soak.db.begin_write().expect("begun");
    match rng.below(12) {
        0 => tx.set_durability(Durability::Checkpoint),
        1..4 => tx.set_durability(Durability::Relaxed),
        _ => {}
    }
    tx
}

pub fn write(soak: &Soak, mut rng: Rng) {
    while soak.goes_on() {
        let mut tx = begin(soak, &mut rng);
        if rng.chance(1, 15) {
            // Nothing of this may stay: the model is not told.
            let mut forgotten = soak.model.lock().expect("nobody panicked").copy();
            change(&mut tx, &mut forgotten, &mut rng).expect("changed");
            tx.abort();
            count(&soak.counts.aborts);
            continue;
        }
        let outgrows = rng.chance(1, 40);
        {
            let mut model = soak.model.lock().expect("nobody panicked");
            if outgrows {
                many_notes(&mut tx, &mut model).expect("changed");
            } else {
                change(&mut tx, &mut model, &mut rng).expect("changed");
            }
        }
        let version = tx.commit().expect("committed");
        if outgrows {
            assert!(soak.db.pager().durable_meta().lsn >= version, "it commits by a checkpoint (L6)");
            count(&soak.counts.outgrown);
        }
        count(&soak.counts.commits);
    }
}

/// Several commits that wait together, begun by one thread and waited for by others.
pub fn write_in_groups(soak: &Soak, mut rng: Rng) {
    while soak.goes_on() {
        let mut submitted = Vec::new();
        for _ in 0..2 + rng.below(5) {
            let mut tx = begin(soak, &mut rng);
            change(&mut tx, &mut soak.model.lock().expect("nobody panicked"), &mut rng).expect("changed");
            submitted.push(tx.submit().expect("submitted"));
        }
        std::thread::scope(|scope| {
            for commit in submitted {
                scope.spawn(move || commit.wait().expect("committed"));
                count(&soak.counts.commits);
            }
        });
    }
}

fn change(tx: &mut WriteTransaction, model: &mut Model, rng: &mut Rng) -> Done {
    for _ in 0..1 + rng.below(4) {
        match rng.below(10) {
            0..6 => pay(tx, model, rng)?,
            6 => note(tx, model, rng.index(600))?,
            // Some fill a good part of the log, some are as long as pages.
            7 if rng.chance(1, 3) => note(tx, model, LOG as usize / 5)?,
            7 => note(tx, model, 9_000)?,
            8 => forget(tx, model)?,
            _ => bump(tx, model)?,
        }
    }
    Ok(())
}

fn add<R: ReadPages>(
    tx: &Reader<R>,
    node: foliograph::NodeId,
    property: &str,
    by: i64,
) -> Result<i64, WriteError> {
    Ok(tx.get::<i64>(node, property)?.expect("every account has it") + by)
}

fn shift(tx: &mut WriteTransaction, model: &Model, (from, to, amount): (usize, usize, i64)) -> Done {
    for (account, property, by) in
        [(from, "balance", -amount), (to, "balance", amount), (from, "paid", amount), (to, "got", amount)]
    {
        let node = model.accounts[account];
        let now = add(tx, node, property, by)?;
        tx.set(node, property, now)?;
    }
    Ok(())
}

/// A payment; when there are many, the oldest is taken back.
fn pay(tx: &mut WriteTransaction, model: &mut Model, rng: &mut Rng) -> Done {
    let payment = (rng.index(ACCOUNTS), rng.index(ACCOUNTS), rng.below(50) as i64);
    let (from, to, amount) = payment;
    model.last_payment += 1;
    let with = props! { "n" => model.last_payment, "amount" => amount };
    tx.add_edge(model.accounts[from], "paid", model.accounts[to], with)?;
    shift(tx, model, payment)?;
    model.payments.insert(model.last_payment, payment);
    model.balances[from] -= amount;
    model.balances[to] += amount;
    if model.payments.len() > MOST {
        let (number, (from, to, amount)) = model.payments.pop_first().expect("there are many");
        let edge = find(tx, model, number, from, to)?;
        tx.delete_edge(edge)?;
        shift(tx, model, (from, to, -amount))?;
        model.balances[from] += amount;
        model.balances[to] -= amount;
    }
    Ok(())
}

/// The edge of a payment, among those that are parallel to it.
fn find(
    tx: &WriteTransaction,
    model: &Model,
    number: i64,
    from: usize,
    to: usize,
) -> Result<Edge, WriteError> {
    for neighbor in tx.neighbors(model.accounts[from]).outgoing() {
        let neighbor = neighbor?;
        if neighbor.id == model.accounts[to] && neighbor.get::<i64>("n")? == Some(number) {
            return Ok(neighbor.edge);
        }
    }
    panic!("payment {number} from {from} to {to} is not there, says the transaction")
}

fn note(tx: &mut WriteTransaction, model: &mut Model, len: usize) -> Done {
    model.last_note += 1;
    let key = model.last_note;
    tx.add_node("note", key, props! { "note" => key, "text" => "n".repeat(len) })?;
    model.notes.insert(key, len);
    while model.notes.len() > MOST {
        forget(tx, model)?;
    }
    // Long ones do not stay long.
    while model.notes.values().filter(|len| **len > 5_000).count() > 6 {
        let (key, _) = model.notes.iter().find(|(_, len)| **len > 5_000).expect("there are some");
        forget_one(tx, model, *key)?;
    }
    Ok(())
}

fn forget(tx: &mut WriteTransaction, model: &mut Model) -> Done {
    let Some(key) = model.notes.keys().next() else { return Ok(()) };
    forget_one(tx, model, *key)
}

fn forget_one(tx: &mut WriteTransaction, model: &mut Model, key: i64) -> Done {
    let node = tx.node("note", key)?.expect("the model has it");
    tx.delete_node(node, true)?;
    model.notes.remove(&key);
    Ok(())
}

/// More than the budget for changes.
fn many_notes(tx: &mut WriteTransaction, model: &mut Model) -> Done {
    (0..super::BUDGET / 400).try_for_each(|_| note(tx, model, 500))
}

fn bump(tx: &mut WriteTransaction, model: &mut Model) -> Done {
    model.counter += 1;
    tx.set(model.accounts[0], "counter", Value::from(model.counter))?;
    tx.set(model.twin.expect("it was added"), "counter", Value::from(model.counter))
}

impl Model {
    /// A copy for a transaction that will be aborted.
    fn copy(&self) -> Model {
        Model {
            accounts: self.accounts.clone(),
            balances: self.balances.clone(),
            payments: self.payments.clone(),
            notes: self.notes.clone(),
            ..*self
        }
    }
}
