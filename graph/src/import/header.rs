//! Headers of csv and tsv files: what each column holds.
//!
//! A column is `name:ROLE` or `name:type`; a text without a colon is a name, its type is `string`. Roles of a file of
//! nodes: `ID`, `ID(space)`, `LABEL`, `KEY`, `KEY(int)`, `KEY(string)`; of a file of edges: `START_ID`, `END_ID` (each
//! also with `(space)`), `TYPE`, `TYPE(undirected)`, `RANK`; of both: `IGNORE`. A file with `START_ID` and `END_ID`
//! holds edges. `name:ID` also stores the name as a property, at the others names mean nothing.
//! A property of several types has a column for each; `KEY(int)` may stand beside `KEY(string)`, and `TYPE` beside
//! `TYPE(undirected)`: in each row at most one of them is filled.

use std::collections::HashMap;

use super::error::RowError;
use super::record::Field;
use crate::text::{ColumnType, Scalar};

/// ID spaces by number; 0 is the nameless one. Shared by all files of an import.
#[derive(Clone, Debug)]
pub struct Spaces {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Default for Spaces {
    fn default() -> Self {
        Spaces { names: vec![String::new()], numbers: HashMap::from([(String::new(), 0)]) }
    }
}

impl Spaces {
    /// The number of a space, new if it has none yet.
    pub fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// The name of a space; empty for the nameless one.
    pub fn name(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", String::as_str)
    }
}

/// What a column holds.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Role {
    Id { space: u32, property: Option<String> },
    Label,
    Key(Scalar),
    Start(u32),
    End(u32),
    Type { undirected: bool },
    Rank,
    Ignore,
    Property(String, ColumnType),
}

/// What a file's rows are.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum TableKind {
    /// Nodes.
    Nodes,
    /// Edges.
    Edges,
}

/// A file's columns.
#[derive(Clone, PartialEq, Debug)]
pub struct Header {
    pub(super) roles: Vec<Role>,
    kind: TableKind,
}

impl Header {
    /// What the rows are.
    pub fn kind(&self) -> TableKind {
        self.kind
    }

    /// The ID space that rows of nodes declare.
    pub fn id_space(&self) -> Option<u32> {
        self.roles.iter().find_map(|role| match role {
            Role::Id { space, .. } => Some(*space),
            _ => None,
        })
    }

    /// The ID spaces in which rows of edges name their ends.
    pub fn end_spaces(&self) -> Vec<u32> {
        let space = |role: &Role| match role {
            Role::Start(space) | Role::End(space) => Some(*space),
            _ => None,
        };
        self.roles.iter().filter_map(space).collect()
    }

    /// Reads a header from the fields of its row. Every error is fatal.
    pub(super) fn parse<'a>(
        fields: impl Iterator<Item = Field<'a>>,
        spaces: &mut Spaces,
    ) -> Result<Header, RowError> {
        let mut roles: Vec<Role> = Vec::new();
        let mut first = None;
        for field in fields {
            first.get_or_insert(field);
            let role = parse_column(field.text.unwrap_or(""), spaces)
                .map_err(|problem| field.error(problem.what).hint(problem.hint).into_fatal())?;
            if let Some(earlier) = roles.iter().find(|earlier| excludes(earlier, &role)) {
                let what = format!("a second column for {}", describe(earlier));
                return Err(field.error(what).into_fatal());
            }
            roles.push(role);
        }
        let kind = table_kind(&roles).map_err(|problem| {
            let error = match first {
                Some(field) => field.error(problem.what),
                None => RowError::row(Default::default(), 0, problem.what),
            };
            error.hint(problem.hint).into_fatal()
        })?;
        Ok(Header { roles, kind })
    }
}

struct Problem {
    what: String,
    hint: &'static str,
}

const TYPES: &str =
    "types are int, float, boolean, string, date, timestamp, bytes, and lists of them such as `int[]`";

fn parse_column(text: &str, spaces: &mut Spaces) -> Result<Role, Problem> {
    let (spec, argument) = match text.strip_suffix(')').and_then(|t| t.rsplit_once('(')) {
        Some((spec, argument)) => (spec, Some(argument)),
        None => (text, None),
    };
    let Some((name, role)) = spec.rsplit_once(':') else {
        if text.is_empty() {
            let hint = "name it, or write `:IGNORE`";
            return Err(Problem { what: "a column without a name".into(), hint });
        }
        return Ok(Role::Property(text.to_owned(), ColumnType::TEXT));
    };
    let mut space = || spaces.number(argument.unwrap_or(""));
    match (role, argument) {
        ("ID", _) => Ok(Role::Id { space: space(), property: (!name.is_empty()).then(|| name.to_owned()) }),
        ("START_ID", _) => Ok(Role::Start(space())),
        ("END_ID", _) => Ok(Role::End(space())),
        ("LABEL", None) => Ok(Role::Label),
        ("IGNORE", None) => Ok(Role::Ignore),
        ("RANK", None) => Ok(Role::Rank),
        ("TYPE", None) => Ok(Role::Type { undirected: false }),
        ("TYPE", Some("undirected")) => Ok(Role::Type { undirected: true }),
        ("KEY", None | Some("string")) => Ok(Role::Key(Scalar::Text)),
        ("KEY", Some("int" | "long")) => Ok(Role::Key(Scalar::Int)),
        ("KEY", Some(other)) => Err(Problem {
            what: format!("a key of type `{other}`"),
            hint: "write `KEY(int)` or `KEY(string)`",
        }),
        ("LABEL" | "IGNORE" | "RANK" | "TYPE", Some(other)) => {
            let what = format!("`{role}` does not take `({other})`");
            Err(Problem { what, hint: "`TYPE(undirected)` is all there is" })
        }
        _ => {
            let of = ColumnType::parse(role).filter(|_| argument.is_none());
            let problem =
                || Problem { what: format!("`{role}` in `{text}` is no type and no role"), hint: TYPES };
            of.map(|of| Role::Property(name.to_owned(), of)).ok_or_else(problem)
        }
    }
}

/// What rows of a file have a column of this kind, where its role says so. A name with colons before the role is none of
/// a role's: several columns that are taken for one.
pub(super) fn role_kind(text: &str) -> Option<TableKind> {
    let role = parse_column(text, &mut Spaces::default()).ok()?;
    let spec = text.rsplit_once('(').map_or(text, |(spec, _)| spec);
    if spec.matches(':').count() != 1 {
        return None;
    }
    match role {
        Role::Id { .. } | Role::Label | Role::Key(_) => Some(TableKind::Nodes),
        Role::Start(_) | Role::End(_) | Role::Type { .. } | Role::Rank => Some(TableKind::Edges),
        Role::Ignore | Role::Property(..) => None,
    }
}

/// Whether there can't be both columns.
fn excludes(a: &Role, b: &Role) -> bool {
    match (a, b) {
        (Role::Ignore, Role::Ignore) => false,
        (Role::Key(a), Role::Key(b)) => a == b,
        (Role::Type { undirected: a }, Role::Type { undirected: b }) => a == b,
        (Role::Property(a, x), Role::Property(b, y)) => a == b && x == y,
        _ => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

fn describe(role: &Role) -> String {
    match role {
        Role::Id { .. } => ":ID".into(),
        Role::Label => ":LABEL".into(),
        Role::Key(_) => ":KEY".into(),
        Role::Start(_) => ":START_ID".into(),
        Role::End(_) => ":END_ID".into(),
        Role::Type { .. } => ":TYPE".into(),
        Role::Rank => ":RANK".into(),
        Role::Ignore => ":IGNORE".into(),
        Role::Property(name, of) => format!("`{name}:{of}`"),
    }
}

fn table_kind(roles: &[Role]) -> Result<TableKind, Problem> {
    let of_edges = |r: &&Role| matches!(r, Role::Start(_) | Role::End(_) | Role::Type { .. } | Role::Rank);
    let of_nodes = |r: &&Role| matches!(r, Role::Id { .. } | Role::Label | Role::Key(_));
    let start = roles.iter().any(|r| matches!(r, Role::Start(_)));
    let end = roles.iter().any(|r| matches!(r, Role::End(_)));
    match (roles.iter().find(of_nodes), roles.iter().find(of_edges)) {
        (Some(node), Some(edge)) => Err(Problem {
            what: format!(
                "a header with {}, which nodes have, and {}, which edges have",
                describe(node),
                describe(edge)
            ),
            hint: "nodes and edges come from files of their own",
        }),
        (None, Some(_)) if start && end => Ok(TableKind::Edges),
        (None, Some(_)) => Err(Problem {
            what: format!("edges without {}", if start { ":END_ID" } else { ":START_ID" }),
            hint: "a file of edges needs `:START_ID` and `:END_ID`",
        }),
        (Some(_), None) => Ok(TableKind::Nodes),
        (None, None) => Err(Problem {
            what: "a header with none of :ID, :KEY, :LABEL, :START_ID, :END_ID".into(),
            hint: "the first line says what each column holds, for example `:ID,:LABEL,born:int`",
        }),
    }
}
