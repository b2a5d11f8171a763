//! Rows of nodes and edges from csv and tsv files.
//!
//! A row has as many fields as the header. An empty field is no property. A word under `:ID` becomes the node's key
//! where the row has no key of its own; an integer there is the node's id.
//! A row without a label or type has that of [`TableOptions::default_name`].

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use super::error::{RowError, Severity};
use super::guess::Guess;
use super::header::{Header, Role, Spaces, TableKind};
use super::lines::Lines;
use super::record::{Dialect, Field, Records};
use crate::bulk::row::{EdgeRow, NodeRow, Place, RowId};
use crate::model::{Key, Props, Value};
use crate::text::{Scalar, read_value};

/// How a table is read.
#[derive(Clone, Debug)]
pub struct TableOptions {
    /// The file's number, for messages.
    pub file: u32,
    /// How fields are written.
    pub dialect: Dialect,
    /// What is taken for granted.
    pub guess: Guess,
    /// The label or type of rows that name none.
    pub default_name: Arc<str>,
    /// Whether all types are to be marked undirected.
    pub undirected: bool,
}

/// A row of either kind.
#[derive(Clone, PartialEq, Debug)]
pub enum Row {
    /// A node.
    Node(NodeRow),
    /// An edge.
    Edge(EdgeRow),
}

/// The rows of a csv or tsv file.
#[derive(Debug)]
pub struct Table<R> {
    records: Records<R>,
    header: Header,
    builder: Builder,
    done: bool,
}

impl<R: Read> Table<R> {
    /// Reads the header from the first row of `reader`, which needs no buffer.
    ///
    /// ```
    /// use foliograph::import::{Dialect, Guess, Row, Spaces, Table, TableOptions};
    /// let text = ":ID,:LABEL,born:int\n1,person,1815\n2,person,\n";
    /// let options = TableOptions {
    ///     file: 0,
    ///     dialect: Dialect::Csv(b','),
    ///     guess: Guess::default(),
    ///     default_name: "node".into(),
    ///     undirected: false,
    /// };
    /// let table = Table::new(text.as_bytes(), options, &mut Spaces::default())?;
    /// let rows = table.collect::<Result<Vec<Row>, _>>()?;
    /// assert!(matches!(&rows[0], Row::Node(node) if node.props.len() == 1));
    /// # Ok::<(), foliograph::import::RowError>(())
    /// ```
    ///
    /// # Errors
    /// [`RowError`]: reading fails, or the first row is no header.
    pub fn new(reader: R, options: TableOptions, spaces: &mut Spaces) -> Result<Self, RowError> {
        let mut records = Records::new(Lines::new(reader, options.file), options.dialect);
        let header = read_header(&mut records, spaces)?;
        Ok(Table { records, header, builder: Builder::new(options), done: false })
    }

    /// Takes the header from elsewhere: `reader` has rows only.
    pub fn with_header(reader: R, options: TableOptions, header: Header) -> Self {
        let records = Records::new(Lines::new(reader, options.file), options.dialect);
        Table { records, header, builder: Builder::new(options), done: false }
    }

    /// What each column holds.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What is taken for granted after the rows so far: for the next file.
    pub fn guess(&self) -> Guess {
        self.builder.guess
    }

    fn next_row(&mut self) -> Result<Option<Row>, RowError> {
        if !self.records.advance()? {
            return Ok(None);
        }
        let (have, want) = (self.records.len(), self.header.roles.len());
        if have != want {
            let what = format!(
                "too {} fields: {have}, the header has {want}",
                if have < want { "few" } else { "many" }
            );
            return Err(RowError::row(self.records.place(), 0, what));
        }
        let (place, fields) = (self.records.place(), self.records.fields());
        match self.header.kind() {
            TableKind::Nodes => {
                self.builder.node(place, fields.zip(&self.header.roles)).map(|row| Some(Row::Node(row)))
            }
            TableKind::Edges => {
                self.builder.edge(place, fields.zip(&self.header.roles)).map(|row| Some(Row::Edge(row)))
            }
        }
    }
}

impl<R: Read> Iterator for Table<R> {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let row = self.next_row();
        self.done = !matches!(&row, Ok(Some(_)) | Err(RowError { severity: Severity::Row, .. }));
        row.transpose()
    }
}

/// Reads a header that stands in a file of its own, or at the head of one.
///
/// # Errors
/// [`RowError`]: reading fails, or the first row is no header.
pub fn read_header_file<R: Read>(
    reader: R,
    file: u32,
    dialect: Dialect,
    spaces: &mut Spaces,
) -> Result<Header, RowError> {
    read_header(&mut Records::new(Lines::new(reader, file), dialect), spaces)
}

fn read_header<R: Read>(records: &mut Records<R>, spaces: &mut Spaces) -> Result<Header, RowError> {
    if !records.advance().map_err(RowError::into_fatal)? {
        let what = "the file is empty: not even a header";
        return Err(RowError::fatal(Place { line: 0, ..records.place() }, 0, what)
            .hint("the first line says what each column holds, for example `:ID,:LABEL,born:int`"));
    }
    Header::parse(records.fields(), spaces)
}

/// What rows are built with.
#[derive(Debug)]
struct Builder {
    guess: Guess,
    default_name: Arc<str>,
    undirected: bool,
    /// Names that rows had before, so that each is stored once.
    names: HashMap<String, Arc<str>>,
}

/// Beyond so many different labels or types they are no longer kept.
const MAX_NAMES: usize = 10_000;

impl Builder {
    fn new(options: TableOptions) -> Self {
        let TableOptions { guess, default_name, undirected, .. } = options;
        Builder { guess, default_name, undirected, names: HashMap::new() }
    }

    fn node<'a>(
        &mut self,
        place: Place,
        fields: impl Iterator<Item = (Field<'a>, &'a Role)>,
    ) -> Result<NodeRow, RowError> {
        let mut row = NodeRow {
            space: 0,
            id: None,
            label: self.default_name.clone(),
            key: None,
            props: Props::new(),
            place,
        };
        for (field, role) in fields {
            let Some(text) = field.text else {
                if matches!(role, Role::Id { .. }) {
                    return Err(field.error("an empty :ID"));
                }
                continue;
            };
            match role {
                Role::Id { space, property } => {
                    row.space = *space;
                    let id = self.guess.name(text.as_bytes(), field.place, field.column)?;
                    if let Some(name) = property {
                        add(&mut row.props, name, id_value(&id, field)?, field)?;
                    }
                    row.id = Some(id);
                }
                Role::Label => row.label = self.label(text, field)?,
                Role::Key(_) if row.key.is_some() => return Err(field.error("a second key")),
                Role::Key(of) => row.key = Some(key(text, *of, field)?),
                Role::Property(name, of) => add(&mut row.props, name, value(text, *of, field)?, field)?,
                _ => {}
            }
        }
        if let (None, Some(RowId::Word(word))) = (&row.key, &row.id) {
            row.key = Some(Key::Text(word.clone()));
        }
        Ok(row)
    }

    fn edge<'a>(
        &mut self,
        place: Place,
        fields: impl Iterator<Item = (Field<'a>, &'a Role)>,
    ) -> Result<EdgeRow, RowError> {
        let mut ends = [None, None];
        let mut edge_type = None;
        let mut undirected = self.undirected;
        let (mut rank, mut props) = (None, Props::new());
        for (field, role) in fields {
            let Some(text) = field.text else {
                if let Role::Start(_) | Role::End(_) = role {
                    let what =
                        if let Role::Start(_) = role { "an empty :START_ID" } else { "an empty :END_ID" };
                    return Err(field.error(what));
                }
                continue;
            };
            match role {
                Role::Start(space) | Role::End(space) => {
                    let name = self.guess.name(text.as_bytes(), field.place, field.column)?;
                    ends[usize::from(matches!(role, Role::End(_)))] = Some((*space, name));
                }
                Role::Type { .. } if edge_type.is_some() => return Err(field.error("a second type")),
                Role::Type { undirected: of_column } => {
                    edge_type = Some(self.intern(text, "type", field)?);
                    undirected |= of_column;
                }
                Role::Rank => {
                    let error = || field.error(format!("the rank `{text}` is no integer up to {}", u32::MAX));
                    rank = Some(text.parse().map_err(|_| error())?);
                }
                Role::Property(name, of) => add(&mut props, name, value(text, *of, field)?, field)?,
                _ => {}
            }
        }
        let edge_type = edge_type.unwrap_or_else(|| self.default_name.clone());
        let [Some(from), Some(to)] = ends else {
            return Err(RowError::row(place, 0, "an edge without its ends"));
        };
        Ok(EdgeRow { from, to, edge_type, undirected, rank, props, place })
    }

    /// One label: `\;` is a semicolon, a bare one would separate two labels.
    fn label(&mut self, text: &str, field: Field<'_>) -> Result<Arc<str>, RowError> {
        if !text.contains(';') && !text.contains('\\') {
            return self.intern(text, "label", field);
        }
        match read_value(text, crate::text::ColumnType { scalar: Scalar::Text, list: true }) {
            Ok(Value::List(labels)) => match labels.as_slice() {
                [Value::Text(label)] => self.intern(label, "label", field),
                _ => Err(field
                    .error(format!("{} labels in one row; a node has one", labels.len()))
                    .hint("a semicolon within a label is written `\\;`")),
            },
            _ => Err(field.error("no label")),
        }
    }

    fn intern(&mut self, name: &str, what: &str, field: Field<'_>) -> Result<Arc<str>, RowError> {
        if let Some(known) = self.names.get(name) {
            return Ok(known.clone());
        }
        if name.is_empty() {
            return Err(field.error(format!("an empty {what}")));
        }
        if what == "label" && name.contains('/') {
            return Err(field
                .error(format!("the label `{name}` holds a `/`"))
                .hint("nodes are named LABEL/KEY"));
        }
        if self.names.len() >= MAX_NAMES {
            self.names.clear();
        }
        let shared: Arc<str> = name.into();
        self.names.insert(name.to_owned(), shared.clone());
        Ok(shared)
    }
}

fn value(text: &str, of: crate::text::ColumnType, field: Field<'_>) -> Result<Value, RowError> {
    read_value(text, of).map_err(|wrong| field.error(wrong.to_string()).hint(wrong.hint()))
}

fn add(props: &mut Props, name: &str, value: Value, field: Field<'_>) -> Result<(), RowError> {
    if props.iter().any(|(known, _)| known == name) {
        return Err(field.error(format!("a second value for the property `{name}`")));
    }
    props.push((name.to_owned(), value));
    Ok(())
}

/// The property that `name:ID` stores.
fn id_value(id: &RowId, field: Field<'_>) -> Result<Value, RowError> {
    match id {
        RowId::Word(word) => Ok(Value::Text(word.clone())),
        RowId::Key(_, key) => Ok(Value::Text(key.to_string())),
        RowId::Int(n) => i64::try_from(*n).map(Value::Int).map_err(|_| {
            field
                .error(format!("{n} is too large for a property"))
                .hint("write `:ID` without a name before it")
        }),
    }
}

fn key(text: &str, of: Scalar, field: Field<'_>) -> Result<Key, RowError> {
    if of == Scalar::Int {
        let wrong =
            || field.error(format!("the key `{text}` is no int")).hint("`KEY(string)` takes any text");
        return text.parse().map(Key::Int).map_err(|_| wrong());
    }
    if text.len() > Key::MAX_LEN {
        return Err(field.error(format!(
            "a key of {} bytes; keys have at most {}",
            text.len(),
            Key::MAX_LEN
        )));
    }
    Ok(Key::Text(text.to_owned()))
}
