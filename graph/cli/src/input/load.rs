//! Rows of all files into a bulk load.
//!
//! Readers guess (see `foliograph::import`); where a guess does not hold, the load begins again with all files from the
//! start. So rows reach the store only when all of them were read.

use foliograph::bulk::{Bulk, BulkError, BulkOptions, Place, RowProblem};
use foliograph::import::{
    Change, EdgeList, EdgeListOptions, Guess, IdMode, JsonLines, Row, RowError, Severity, Spaces, Table,
    TableOptions, VertexFile, read_header_file,
};

use super::plan::{Plan, Planned, Reading};
use crate::failure::Failure;

/// All rows of a plan, ready to become a store. `options` makes the options of each start; it is told whether names are
/// known to be words.
pub fn load(plan: &Plan, skip: bool, options: impl Fn(bool) -> BulkOptions) -> Result<Bulk, Failure> {
    let mut guess = Guess::new(plan.ids);
    // JSON lines alone say for each name what it is.
    let only_json = plan.files.iter().all(|planned| matches!(planned.reading, Reading::JsonLines));
    loop {
        let words = guess.ids == IdMode::Key && !only_json;
        let mut load = Load { bulk: Bulk::new(options(words)), plan, skip, guess };
        match load.files() {
            Ok(()) => return Ok(load.bulk),
            Err(Stop::Restart(wider)) => guess = wider,
            Err(Stop::Failed(failure)) => return Err(failure),
        }
    }
}

/// Why a load did not come to its end.
enum Stop {
    Restart(Guess),
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Failed(failure)
    }
}

struct Load<'a> {
    bulk: Bulk,
    plan: &'a Plan,
    skip: bool,
    guess: Guess,
}

impl Load<'_> {
    fn files(&mut self) -> Result<(), Stop> {
        let mut spaces = Spaces::default();
        for (number, planned) in self.plan.files.iter().enumerate() {
            self.file(number as u32, planned, &mut spaces)?;
        }
        Ok(())
    }

    fn file(&mut self, file: u32, planned: &Planned, spaces: &mut Spaces) -> Result<(), Stop> {
        let input = planned.file.open()?;
        let (guess, undirected) = (self.guess, planned.undirected);
        match &planned.reading {
            Reading::EdgeList { edge_type } => {
                let edge_type = edge_type.clone();
                let delimiter = self.plan.delimiter;
                let options = EdgeListOptions { file, guess, edge_type, undirected, delimiter };
                let mut list = EdgeList::new(input, options);
                for row in list.by_ref() {
                    self.row(planned, row, |bulk, row| bulk.add_edge(row))?;
                }
                self.guess = list.guess();
            }
            Reading::Vertices => {
                let mut vertices = VertexFile::new(input, file, guess);
                for row in vertices.by_ref() {
                    self.row(planned, row, |bulk, row| bulk.add_node(row))?;
                }
                self.guess = vertices.guess();
            }
            Reading::JsonLines => {
                let mut lines = JsonLines::new(input, file);
                for line in lines.by_ref() {
                    self.change(planned, line)?;
                }
            }
            Reading::Table { dialect, header, default_name, .. } => {
                let (dialect, default_name) = (*dialect, default_name.clone());
                let options = TableOptions { file, dialect, guess, default_name, undirected };
                let mut table = match header {
                    Some(apart) => {
                        let header = read_header_file(apart.open()?, file, dialect, spaces);
                        Table::with_header(input, options, header.map_err(|e| apart.at(&e))?)
                    }
                    None => Table::new(input, options, spaces).map_err(|e| planned.file.at(&e))?,
                };
                for row in table.by_ref() {
                    self.row(planned, row, |bulk, row| match row {
                        Row::Node(row) => bulk.add_node(row),
                        Row::Edge(row) => bulk.add_edge(row),
                    })?;
                }
                self.guess = table.guess();
            }
        }
        Ok(())
    }

    fn change(&mut self, planned: &Planned, line: Result<(Place, Change), RowError>) -> Result<(), Stop> {
        let (place, change) = match line {
            Ok(line) => line,
            Err(error) => return self.bad_row(planned, error),
        };
        // What one file calls 7 is node 7, so it must be that in all of them.
        self.guess.see_ids();
        match change.add_to(&mut self.bulk, place).map_err(|e| failed(self.plan, &e))? {
            None => Ok(()),
            Some(_) => Err(Failure::new(format!(
                "{}:{}: a line that does not only add cannot be imported",
                planned.file.name, place.line
            ))
            .hint("`foliograph apply` takes it")
            .into()),
        }
    }

    #[inline]
    fn row<T>(
        &mut self,
        planned: &Planned,
        row: Result<T, RowError>,
        add: impl FnOnce(&mut Bulk, T) -> Result<(), BulkError>,
    ) -> Result<(), Stop> {
        match row {
            Ok(row) => add(&mut self.bulk, row).map_err(|e| failed(self.plan, &e).into()),
            Err(error) => self.bad_row(planned, error),
        }
    }

    #[cold]
    fn bad_row(&mut self, planned: &Planned, error: RowError) -> Result<(), Stop> {
        match error.severity {
            Severity::Restart(guess) => Err(Stop::Restart(guess)),
            Severity::Row if self.skip => {
                let what = match error.column {
                    0 => error.what,
                    column => format!("column {column}: {}", error.what),
                };
                self.bulk.reject(error.place, what).map_err(|e| failed(self.plan, &e).into())
            }
            Severity::Row | Severity::Fatal => Err(planned.file.at(&error).into()),
        }
    }
}

/// An error of the load, with the file's name where a row is to blame.
pub fn failed(plan: &Plan, error: &BulkError) -> Failure {
    let failure = match error {
        BulkError::Row { place, problem } => Failure::new(rejected(plan, *place, problem)),
        other => Failure::new(other),
    };
    failure.maybe_hint(error.hint())
}

/// A row that was not taken: `FILE:LINE: why`.
pub fn rejected(plan: &Plan, place: Place, problem: &RowProblem) -> String {
    match plan.files.get(place.file as usize) {
        Some(planned) if place.line > 0 => format!("{}:{}: {problem}", planned.file.name, place.line),
        _ => problem.to_string(),
    }
}
