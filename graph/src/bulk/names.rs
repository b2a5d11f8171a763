//! Names as numbers: labels, edge types and property names, numbered in the order in which they first appear.

use super::error::RowProblem;
use crate::model::Key;
use std::collections::HashMap;

/// Numbers are below this; edge rows use the bits above.
pub(super) const MAX_NAMES: u32 = 1 << 30;

/// The longest name, in bytes.
const MAX_LEN: usize = Key::MAX_LEN;

/// Names, numbered from 0.
#[derive(Debug)]
pub(super) struct Names {
    what: &'static str,
    names: Vec<String>,
    numbers: HashMap<String, u32>,
    /// The last one asked for: rows of one kind come together.
    last: u32,
}

impl Names {
    /// No names yet; `what` they are is for messages.
    pub fn new(what: &'static str) -> Self {
        Names { what, names: Vec::new(), numbers: HashMap::new(), last: 0 }
    }

    /// The number of `name`, which gets one if it has none.
    #[inline]
    pub fn number(&mut self, name: &str) -> Result<u32, RowProblem> {
        if self.names.get(self.last as usize).is_some_and(|last| last == name) {
            return Ok(self.last);
        }
        self.look_up(name)
    }

    fn look_up(&mut self, name: &str) -> Result<u32, RowProblem> {
        let number = match self.numbers.get(name) {
            Some(number) => *number,
            None => {
                self.check(name)?;
                let number = self.names.len() as u32;
                self.names.push(name.to_owned());
                self.numbers.insert(name.to_owned(), number);
                number
            }
        };
        self.last = number;
        Ok(number)
    }

    fn check(&self, name: &str) -> Result<(), RowProblem> {
        let why = match name {
            "" => "it is empty",
            _ if name.len() > MAX_LEN => "it is longer than 1024 bytes",
            _ if self.what == "label" && name.contains('/') => "it holds a slash",
            _ if self.names.len() >= MAX_NAMES as usize => "there are too many",
            _ => return Ok(()),
        };
        Err(RowProblem::BadName { name: name.chars().take(40).collect(), what: self.what, why })
    }

    /// The name with this number.
    pub fn name(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", String::as_str)
    }

    pub fn into_names(self) -> Vec<String> {
        self.names
    }
}
