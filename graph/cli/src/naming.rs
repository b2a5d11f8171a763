//! How nodes are named on the command line: `LABEL/KEY`, `KEY`, `@ID`, and a bare id in a store without keys.

use foliograph::{Key, NodeId, Snapshot};
use serde_json::{Value as Json, json};

use crate::failure::Failure;
use crate::json::key_to_json;

/// The node that `name` names.
pub fn resolve(snapshot: &Snapshot, name: &str) -> Result<NodeId, Failure> {
    if let Some(id) = name.strip_prefix('@').and_then(parse_id) {
        return existing(snapshot, id, name);
    }
    if snapshot.keyed_count() == 0 {
        return match parse_id(name) {
            Some(id) => existing(snapshot, id, name),
            None => Err(Failure::not_found(format!("no node `{name}`"))
                .hint("this store has no keys: its nodes are named by their ids, which are integers")),
        };
    }
    if let Some((label, key)) = name.split_once('/')
        && snapshot.label(label).is_some()
    {
        return by_label(snapshot, label, key);
    }
    by_key(snapshot, name)
}

fn parse_id(text: &str) -> Option<NodeId> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok().map(NodeId)).flatten()
}

fn existing(snapshot: &Snapshot, id: NodeId, name: &str) -> Result<NodeId, Failure> {
    match snapshot.contains(id)? {
        true => Ok(id),
        false => Err(Failure::not_found(format!("no node `{name}`"))),
    }
}

/// The keys that a word may be: a string, and an integer where it is written as one.
fn keys(word: &str) -> Vec<Key> {
    let mut keys = vec![Key::Text(word.to_owned())];
    if let Ok(n) = word.parse::<i64>()
        && n.to_string() == word
    {
        keys.push(Key::Int(n));
    }
    keys
}

fn by_label(snapshot: &Snapshot, label: &str, word: &str) -> Result<NodeId, Failure> {
    let mut found = Vec::new();
    for key in keys(word) {
        found.extend(snapshot.node(label, key)?);
    }
    match found[..] {
        [] => Err(Failure::not_found(format!("no node `{label}/{word}`"))),
        [id] => Ok(id),
        _ => {
            let ids: Vec<String> = found.iter().map(|id| format!("@{id}")).collect();
            Err(ambiguous(&format!("{label}/{word}"), &ids))
        }
    }
}

fn by_key(snapshot: &Snapshot, word: &str) -> Result<NodeId, Failure> {
    let mut found = Vec::new();
    for key in keys(word) {
        found.extend(snapshot.nodes_by_key(&key)?);
    }
    match found[..] {
        [] => {
            let failure = Failure::not_found(format!("no node `{word}`"));
            Err(match parse_id(word) {
                Some(_) => failure.hint(format!("`@{word}` names the node with that id")),
                None => failure,
            })
        }
        [(_, id)] => Ok(id),
        _ => {
            let mut names: Vec<String> = Vec::new();
            for (label, id) in &found {
                let name = format!("{}/{word}", snapshot.label_name(*label));
                // An integer and a string that look alike, under one label: only the id tells them apart.
                let alike = found.iter().filter(|(other, _)| other == label).count() > 1;
                names.push(if alike { format!("@{id}") } else { name });
            }
            Err(ambiguous(word, &names))
        }
    }
}

fn ambiguous(word: &str, names: &[String]) -> Failure {
    Failure::new(format!("several nodes are called `{word}`: {}", names.join(", "))).hint("name one of these")
}

/// A node as JSON: `{id, label, key}`.
pub fn node_json(snapshot: &Snapshot, id: NodeId) -> Result<Json, Failure> {
    let view = snapshot.view(id)?.ok_or(foliograph::ReadError::NoNode(id))?;
    Ok(json!({ "id": id.0, "label": snapshot.label_name(view.label), "key": key_to_json(view.key.as_ref()) }))
}
