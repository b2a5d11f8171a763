//! GraphML and DOT: what is written is read by the rules of XML and of DOT, here by small and strict readers, and says the
//! same; what cannot be held is refused, or named.

use std::collections::BTreeMap;

use super::stores::{Plan, store, with_graphs};
use crate::Database;
use crate::export::graphml::is_xml;
use crate::export::{ExportError, Loss, Losses, write_dot, write_graphml};
use crate::model::{Key, Value};
use crate::props;

/// A tag or text of a document.
#[derive(Clone, PartialEq, Debug)]
enum Event {
    Open(String, BTreeMap<String, String>),
    Close(String),
    Text(String),
}

/// Reads XML as strictly as XML is: names and quotes, known entities, characters that there may be, line ends made one.
fn xml(document: &str) -> Result<Vec<Event>, String> {
    let body = document.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").ok_or("no declaration")?;
    if let Some(c) =
        body.chars().find(|&c| (c < ' ' && !"\t\n\r".contains(c)) || "\u{fffe}\u{ffff}".contains(c))
    {
        return Err(format!("{c:?} is no character of XML"));
    }
    let mut events = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let Some(tag) = rest.strip_prefix('<') else {
            let end = rest.find('<').unwrap_or(rest.len());
            events.push(Event::Text(unescaped(&rest[..end], false)?));
            rest = &rest[end..];
            continue;
        };
        let end = tag.find('>').ok_or("an open tag")?;
        let (inside, closes_itself) = match tag[..end].strip_suffix('/') {
            Some(inside) => (inside, true),
            None => (&tag[..end], false),
        };
        rest = &tag[end + 1..];
        if let Some(name) = inside.strip_prefix('/') {
            events.push(Event::Close(name.into()));
            continue;
        }
        let (name, attributes) = inside.split_once(' ').unwrap_or((inside, ""));
        events.push(Event::Open(name.into(), attributes_of(attributes)?));
        if closes_itself {
            events.push(Event::Close(name.into()));
        }
    }
    let mut open = Vec::new();
    for event in &events {
        match event {
            Event::Open(name, _) => open.push(name.clone()),
            Event::Close(name) if open.pop().as_ref() != Some(name) => return Err(format!("</{name}>")),
            Event::Text(text) if open.is_empty() && !text.trim().is_empty() => {
                return Err("text outside".into());
            }
            _ => {}
        }
    }
    if open.is_empty() { Ok(events) } else { Err(format!("{open:?} stay open")) }
}

fn attributes_of(mut text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut attributes = BTreeMap::new();
    while !text.trim().is_empty() {
        let (name, after) = text.split_once("=\"").ok_or(format!("attributes {text:?}"))?;
        let (value, after) = after.split_once('"').ok_or("an open quote")?;
        if attributes.insert(name.trim().to_owned(), unescaped(value, true)?).is_some() {
            return Err(format!("{name} twice"));
        }
        text = after;
    }
    Ok(attributes)
}

fn unescaped(text: &str, attribute: bool) -> Result<String, String> {
    let normal = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut parts = normal.split('&');
    let mut out = parts.next().unwrap_or("").to_owned();
    if attribute {
        out = out.replace(['\n', '\t'], " ");
    }
    for part in parts {
        let (entity, after) = part.split_once(';').ok_or("a bare &")?;
        out.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#9" => '\t',
            "#10" => '\n',
            "#13" => '\r',
            other => return Err(format!("&{other};")),
        });
        out.push_str(&if attribute { after.replace(['\n', '\t'], " ") } else { after.to_owned() });
    }
    Ok(out)
}

/// Data of a node or an edge: name, type and text.
type Data = Vec<(String, String, String)>;

/// What GraphML says of a graph: for each node and edge its data as (name, type, text).
#[derive(PartialEq, Debug, Default)]
struct Drawn {
    nodes: BTreeMap<String, Data>,
    edges: Vec<(String, String, bool, Data)>,
}

fn graphml(document: &str) -> Result<Drawn, String> {
    let mut keys: BTreeMap<String, (String, String, String)> = BTreeMap::new();
    let mut drawn = Drawn::default();
    let (mut data, mut text, mut default) = (Vec::new(), String::new(), true);
    let mut current = None;
    for event in xml(document)? {
        match event {
            Event::Open(name, mut a) => {
                let mut take = |key: &str| a.remove(key).ok_or(format!("<{name}> without {key}"));
                match name.as_str() {
                    "key" => {
                        let spec = (take("for")?, take("attr.name")?, take("attr.type")?);
                        if keys.insert(take("id")?, spec).is_some() {
                            return Err("a key twice".into());
                        }
                    }
                    "graph" => default = take("edgedefault")? == "directed",
                    "node" => current = Some((take("id")?, String::new(), true)),
                    "edge" => {
                        let ends = (take("source")?, take("target")?);
                        let directed = a.get("directed").map_or(default, |text| text == "true");
                        current = Some((ends.0, ends.1, directed));
                    }
                    "data" => {
                        text.clear();
                        let key = take("key")?;
                        data.push((
                            keys.get(&key).ok_or("a key that is not declared")?.clone(),
                            String::new(),
                        ));
                    }
                    _ => {}
                }
            }
            Event::Text(more) => text.push_str(&more),
            Event::Close(name) => match (name.as_str(), current.take()) {
                ("data", now) => {
                    data.last_mut().ok_or("data")?.1 = text.clone();
                    current = now;
                }
                (kind @ ("node" | "edge"), Some((source, target, directed))) => {
                    if data.iter().any(|((of, ..), _)| of != kind) {
                        return Err("data of another kind".into());
                    }
                    let data = data.drain(..).map(|((_, name, of), text)| (name, of, text)).collect();
                    match kind {
                        "node" => drop(drawn.nodes.insert(source, data)),
                        _ => drawn.edges.push((source, target, directed, data)),
                    }
                }
                (_, now) => current = now,
            },
        }
    }
    let declared = |id: &String| drawn.nodes.contains_key(id);
    if drawn.edges.iter().all(|(source, target, ..)| declared(source) && declared(target)) {
        Ok(drawn)
    } else {
        Err("an edge to a node that is not declared".into())
    }
}

fn graphml_of(db: &Database, lossy: bool) -> Result<(Drawn, Losses), String> {
    let snapshot = db.begin_read().expect("begun");
    let mut out = Vec::new();
    let written = write_graphml(&snapshot, true, lossy, &mut out).map_err(|e| e.to_string())?;
    let text = String::from_utf8(out).expect("UTF-8");
    let drawn =
        graphml(&text).map_err(|e| format!("{e}\n{}", text.chars().take(2000).collect::<String>()))?;
    assert_eq!((written.nodes, written.edges), (drawn.nodes.len() as u64, drawn.edges.len() as u64));
    assert_eq!((written.nodes, written.edges), (snapshot.node_count(), snapshot.edge_count()));
    Ok((drawn, written.losses))
}

/// What one of XML's types has for a value.
fn typed(value: &Value) -> (String, String) {
    let (of, text) = match value {
        Value::Bool(b) => ("boolean", b.to_string()),
        Value::Int(n) => ("long", n.to_string()),
        Value::Float(x) if x.is_infinite() => ("double", if *x > 0.0 { "INF".into() } else { "-INF".into() }),
        Value::Float(x) => ("double", format!("{x:?}")),
        Value::Text(text) => ("string", text.clone()),
        other => panic!("{other:?} is lost"),
    };
    (of.into(), text)
}

fn says_the_same(db: &Database, drawn: &Drawn) -> Result<(), String> {
    let snapshot = db.begin_read().expect("begun");
    let data = |first: Vec<(&str, Value)>, props: crate::Props| {
        let first = first.into_iter().map(|(name, value)| (name.to_owned(), value));
        let all = first.chain(props).map(|(name, value)| {
            let (of, text) = typed(&value);
            (name, of, text)
        });
        all.collect::<Vec<_>>()
    };
    for view in snapshot.all_nodes() {
        let view = view.expect("read");
        let mut first = vec![(":LABEL", Value::from(snapshot.label_name(view.label)))];
        first.extend(view.key.clone().map(|key| match key {
            Key::Int(n) => (":KEY", Value::Int(n)),
            Key::Text(text) => (":KEY", Value::Text(text)),
        }));
        let wanted = data(first, snapshot.props_of(&view).expect("read"));
        let got = drawn.nodes.get(&format!("n{}", view.id));
        if got != Some(&wanted) {
            return Err(format!("{got:?}\nis not\n{wanted:?}"));
        }
    }
    for (edge, got) in snapshot.all_edges().zip(&drawn.edges) {
        let edge = edge.expect("read");
        let undirected =
            snapshot.edge_types().nth(edge.edge_type.0 as usize).is_some_and(|(_, t)| t.undirected);
        let mut first = vec![(":TYPE", Value::from(snapshot.type_name(edge.edge_type)))];
        if edge.rank > 0 {
            first.push((":RANK", Value::Int(edge.rank.into())));
        }
        let data = data(first, snapshot.edge_props(edge).expect("read"));
        let wanted = (format!("n{}", edge.source), format!("n{}", edge.target), !undirected, data);
        if *got != wanted {
            return Err(format!("{got:?}\nis not\n{wanted:?}"));
        }
    }
    Ok(())
}

/// The same plan without what GraphML cannot hold.
fn tame(plan: &Plan) -> Plan {
    let text = |text: &str| text.chars().filter(|c| is_xml(&c.to_string())).collect::<String>();
    let name = |name: &str| Some(text(name)).filter(|name| !name.is_empty()).unwrap_or("n".into());
    let props = |props: &crate::Props| {
        let mut tame = crate::Props::new();
        for (property, value) in props {
            let value = match value {
                Value::Text(value) => Value::Text(text(value)),
                Value::Bool(_) | Value::Int(_) | Value::Float(_) => value.clone(),
                _ => continue,
            };
            if tame.iter().all(|(known, _)| *known != name(property)) {
                tame.push((name(property), value));
            }
        }
        tame
    };
    let key = |key: &Key| if let Key::Text(key) = key { Key::Text(text(key)) } else { key.clone() };
    Plan {
        nodes: plan.nodes.iter().map(|(l, k, id, p)| (name(l), k.as_ref().map(key), *id, props(p))).collect(),
        edges: plan.edges.iter().map(|(a, t, b, rank, p)| (*a, name(t), *b, *rank, props(p))).collect(),
        undirected: plan.undirected.iter().map(|t| name(t)).collect(),
        indexes: Vec::new(),
    }
}

#[test]
fn random_stores_as_graphml_are_xml_and_say_the_same() {
    with_graphs(400, 21, |plan| {
        let db = store(&tame(plan));
        let (drawn, losses) = graphml_of(&db, false)?;
        assert!(losses.is_empty());
        says_the_same(&db, &drawn)
    });
}

#[test]
fn random_stores_with_what_graphml_cannot_hold_are_refused_or_still_xml() {
    with_graphs(400, 23, |plan| {
        let db = store(plan);
        let (_, losses) = graphml_of(&db, true)?;
        match (losses.is_empty(), graphml_of(&db, false)) {
            (true, Ok(_)) => Ok(()),
            (false, Err(e)) if e.contains("GraphML cannot hold") => Ok(()),
            (_, other) => Err(format!("{losses}: {:?}", other.map(drop))),
        }
    });
}

/// A node or an edge, and its attributes.
type Statement = (String, BTreeMap<String, String>);

/// The statements of a file in DOT, its quoted strings as Graphviz reads them: ids and edges, with their attributes.
fn dot(text: &str) -> Result<(bool, Vec<Statement>), String> {
    let mut lines = text.split(";\n");
    let directed = match lines.next().and_then(|first| first.split_once(" {\n")) {
        _ if text == "digraph {\n}\n" => return Ok((true, vec![])),
        Some(("digraph", _)) => true,
        Some(("graph", _)) => false,
        other => return Err(format!("{other:?}")),
    };
    let body = text.split_once(" {\n").ok_or("no body")?.1.strip_suffix("}\n").ok_or("no end")?;
    let mut statements = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let end = rest.find([';', '[']).ok_or("an open statement")?;
        let subject = rest[..end].trim().to_owned();
        let mut attributes = BTreeMap::new();
        rest = &rest[end..];
        if let Some(mut list) = rest.strip_prefix('[') {
            loop {
                let (name, after) = list.split_once('=').ok_or("no value")?;
                let (value, after) = value_of(after)?;
                attributes.insert(name.trim().to_owned(), value);
                match after.strip_prefix(", ") {
                    Some(after) => list = after,
                    None => {
                        rest = after.strip_prefix(']').ok_or(format!("after a value: {after:?}"))?;
                        break;
                    }
                }
            }
        }
        rest = rest.strip_prefix(";\n").ok_or("no ;")?;
        statements.push((subject, attributes));
    }
    Ok((directed, statements))
}

/// A value, and what comes after it. In quotes only `\"` is an escape; what a label makes of the others comes second.
fn value_of(text: &str) -> Result<(String, &str), String> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ']']).ok_or("an open list")?;
        return Ok((text[..end].to_owned(), &text[end..]));
    };
    let mut label = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((label.replace("&#13;", "\r").replace("&amp;", "&"), &quoted[at + 1..])),
            '\\' => match chars.next().ok_or("an open quote")?.1 {
                'n' => label.push('\n'),
                c @ ('"' | '\\') => label.push(c),
                other => return Err(format!("\\{other} means something to Graphviz")),
            },
            c if c < ' ' && c != '\t' => return Err(format!("{c:?}")),
            c => label.push(c),
        }
    }
    Err("a string without an end".into())
}

#[test]
fn random_stores_as_dot_have_every_node_and_every_edge() {
    with_graphs(400, 22, |plan| {
        let db = store(plan);
        let snapshot = db.begin_read().expect("begun");
        let mut out = Vec::new();
        let losses = write_dot(&snapshot, true, true, &mut out).map_err(|e| e.to_string())?.losses;
        let refused =
            matches!(write_dot(&snapshot, true, false, std::io::sink()), Err(ExportError::Loses(_)));
        assert_eq!(refused, !losses.is_empty());
        let (directed, statements) = dot(&String::from_utf8(out).expect("UTF-8"))?;
        let (nodes, edges) = statements.split_at(snapshot.node_count() as usize);
        assert_eq!(edges.len() as u64, snapshot.edge_count());
        for (view, (subject, attributes)) in snapshot.all_nodes().zip(nodes) {
            let view = view.expect("read");
            assert_eq!(*subject, format!("n{}", view.id));
            let (label, shown) = (snapshot.label_name(view.label), &attributes["label"]);
            let wanted =
                view.key.as_ref().map_or(format!("{label} @{}", view.id), |key| format!("{label}/{key}"));
            assert!(
                losses.count(Loss::Characters) > 0 || *shown == wanted || label == "node",
                "{shown} {wanted}"
            );
        }
        for (edge, (subject, attributes)) in snapshot.all_edges().zip(edges) {
            let edge = edge.expect("read");
            let arrow = if directed { "->" } else { "--" };
            assert_eq!(*subject, format!("n{} {arrow} n{}", edge.source, edge.target));
            let undirected =
                snapshot.edge_types().nth(edge.edge_type.0 as usize).is_some_and(|t| t.1.undirected);
            assert_eq!(undirected, !directed || attributes.get("dir").is_some_and(|dir| dir == "none"));
        }
        Ok(())
    });
}

fn small() -> Plan {
    let person = |key: &str, props| ("person".to_owned(), Some(key.into()), None, props);
    Plan {
        nodes: vec![
            person("ada & \"co\"\n", props! {}),
            person("a\\b", props! {}),
            ("node".into(), None, None, props! {}),
        ],
        edges: vec![
            (0, "knows".into(), 1, None, props! {}),
            (0, "near".into(), 2, None, props! {}),
            (2, "edge".into(), 2, None, props! {}),
        ],
        undirected: vec!["near".into()],
        ..Plan::default()
    }
}

#[test]
fn a_small_graph_in_dot() {
    let mut out = Vec::new();
    write_dot(&store(&small()).begin_read().expect("begun"), true, false, &mut out).expect("nothing is lost");
    let wanted = r#"digraph {
  n0 [label="person/ada &amp; \"co\"\n"];
  n1 [label="person/a\\b"];
  n2 [label="@2"];
  n0 -> n1 [label="knows"];
  n0 -> n2 [label="near", dir=none];
  n2 -> n2;
}
"#;
    assert_eq!(String::from_utf8(out).expect("UTF-8"), wanted);
    let all = Plan { undirected: vec!["near".into(), "knows".into(), "edge".into()], ..small() };
    let mut out = Vec::new();
    write_dot(&store(&all).begin_read().expect("begun"), true, false, &mut out).expect("nothing is lost");
    assert!(String::from_utf8(out).expect("UTF-8").contains("  n0 -- n1 [label=\"knows\"];"));
}

#[test]
fn what_neither_can_hold_is_counted() {
    let mut plan = small();
    plan.nodes[0].3 = vec![
        ("day".into(), Value::Date(0)),
        ("nul".into(), "a\0b".into()),
        ("list".into(), Value::List(vec![1.into()])),
    ];
    plan.edges[0].4 = props! { "since" => 1833 };
    plan.edges.push((0, "knows".into(), 1, Some(7), props! {}));
    let db = store(&plan);
    let snapshot = db.begin_read().expect("begun");
    let mut out = Vec::new();
    let losses = write_graphml(&snapshot, true, true, &mut out).expect("written").losses;
    assert_eq!(losses.iter().collect::<Vec<_>>(), [(Loss::ValueTypes, 2), (Loss::Characters, 1)]);
    let text = String::from_utf8(out).expect("UTF-8");
    assert!(text.contains(">a\u{fffd}b<") && text.contains(">1970-01-01<"), "{text}");
    let losses = write_dot(&snapshot, true, true, std::io::sink()).expect("written").losses;
    assert_eq!(
        losses.iter().collect::<Vec<_>>(),
        [(Loss::NodeProps, 3), (Loss::Ranks, 1), (Loss::EdgeProps, 1)]
    );
    let error = write_graphml(&snapshot, true, false, std::io::sink()).unwrap_err().to_string();
    assert_eq!(
        error,
        "GraphML cannot hold dates, timestamps, bytes and lists other than as text (2), texts with control characters (1)"
    );
}
