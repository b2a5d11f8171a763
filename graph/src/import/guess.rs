//! What a reader takes for granted of all rows until one shows otherwise.
//!
//! Two questions have their answer only at the end of the input: whether *all* names are integers (then they are node
//! ids, else all are keys), and whether *all* numbers of a column are whole (then it is an int, else a float). Instead
//! of a pass over everything before the first row, readers guess: integers, until the first row that says otherwise.
//! Where rows were already given out under the wrong guess, the reader ends with an error that carries the wider
//! guess, and all input is read again from the start ([`RowError::restart_with`]); input that cannot be read twice is
//! kept aside by the caller while it is read. A guess only ever widens, so there are at most four starts.
//!
//! An integer name is canonical: digits without a leading zero, at most 18446744073709551614. `007` is a word, for as
//! an id it would silently be the same as `7`; `--ids int` takes it as 7. Digits beyond the range are an error and not
//! a word, unless names are keys.

use super::error::RowError;
use crate::bulk::row::{Place, RowId};
use crate::model::{Key, NodeId, Value};

/// How names of nodes are taken.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub enum IdMode {
    /// Node ids where all are unsigned integers, else keys.
    #[default]
    Auto,
    /// Node ids; anything else is an error.
    Int,
    /// Keys, also where they are integers.
    Key,
}

/// The type of a column of numbers, or of anything.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Width {
    /// All values so far are whole numbers.
    #[default]
    Int,
    /// All are numbers.
    Float,
    /// Some are no numbers.
    Text,
}

/// A column whose type is guessed.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct ColumnGuess {
    width: Width,
    seen: bool,
}

impl ColumnGuess {
    /// The value of `text`; `None` where the column must be wider than rows before it took it to be. The column is
    /// widened either way. Text is taken only where `widest` allows it: the outer `None` says that it does not.
    pub(super) fn read(&mut self, text: &str, widest: Width) -> Option<Option<Value>> {
        let (width, value) = narrowest(text, self.width, widest)?;
        let fits = width == self.width || !self.seen;
        self.width = width;
        self.seen = true;
        Some(fits.then_some(value))
    }
}

fn narrowest(text: &str, from: Width, widest: Width) -> Option<(Width, Value)> {
    if from <= Width::Int
        && let Ok(n) = text.parse()
    {
        return Some((Width::Int, Value::Int(n)));
    }
    if from <= Width::Float
        && let Ok(x) = text.parse()
    {
        return Some((Width::Float, Value::Float(x)));
    }
    (widest == Width::Text).then(|| (Width::Text, Value::Text(text.to_owned())))
}

/// All that is taken for granted. One guess goes through all files of an import, in order.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Guess {
    /// How names are taken; [`IdMode::Auto`] while undecided.
    pub ids: IdMode,
    ids_seen: bool,
    /// The third field of edges.
    pub(super) weight: ColumnGuess,
    /// The second field of a Graphalytics vertex file.
    pub(super) value: ColumnGuess,
}

impl Guess {
    /// Nothing seen yet.
    pub fn new(ids: IdMode) -> Self {
        Guess { ids, ..Guess::default() }
    }

    /// Integers were taken for ids that only ids can be: words from now on demand a new start.
    pub fn see_ids(&mut self) {
        self.ids_seen = true;
    }

    /// The same for a new start: no row was given out yet.
    pub(super) fn restarted(mut self) -> Self {
        self.ids_seen = false;
        self.weight.seen = false;
        self.value.seen = false;
        self
    }

    /// The name in `text`, the field at `column` of `place`.
    #[inline]
    pub(super) fn name(&mut self, text: &[u8], place: Place, column: u64) -> Result<RowId, RowError> {
        if self.ids != IdMode::Key
            && let Some(id) = parse_canonical(text)
        {
            self.ids_seen = true;
            return Ok(RowId::Int(id));
        }
        self.name_slowly(text, place, column)
    }

    #[cold]
    fn no_word(&self, text: &[u8], place: Place, column: u64) -> RowError {
        let shown = shorten(text);
        RowError::row(
            place,
            column,
            format!("`{shown}` is no unsigned integer, and `--ids int` takes only these"),
        )
        .hint("with `--ids key` all names become keys")
    }

    fn name_slowly(&mut self, text: &[u8], place: Place, column: u64) -> Result<RowId, RowError> {
        if self.ids != IdMode::Key {
            self.refuse_too_large(text, place, column)?;
        }
        match self.ids {
            IdMode::Int => {
                let zeros = text.iter().take_while(|&&b| b == b'0').count();
                return parse_canonical(&text[zeros..])
                    .map(RowId::Int)
                    .ok_or_else(|| self.no_word(text, place, column));
            }
            IdMode::Auto if self.ids_seen => {
                let wider = Guess { ids: IdMode::Key, ..self.restarted() };
                let what = format!("`{}` is no unsigned integer, but names before it are", shorten(text));
                return Err(RowError::restart(place, column, what, wider));
            }
            IdMode::Auto => self.ids = IdMode::Key,
            IdMode::Key => {}
        }
        let word = utf8(text, place, column)?;
        if word.len() > Key::MAX_LEN {
            let what = format!("a key of {} bytes; keys have at most {}", word.len(), Key::MAX_LEN);
            return Err(RowError::row(place, column, what));
        }
        Ok(RowId::Word(word.to_owned()))
    }

    fn refuse_too_large(&self, text: &[u8], place: Place, column: u64) -> Result<(), RowError> {
        let all_digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
        let zeros = text.iter().take_while(|&&b| b == b'0').count();
        if !all_digits || zeros == text.len() || parse_canonical(&text[zeros..]).is_some() {
            return Ok(());
        }
        let what = format!("id {} is beyond {}, the largest there may be", shorten(text), NodeId::MAX);
        Err(RowError::row(place, column, what).hint("with `--ids key` all names become keys"))
    }
}

/// An unsigned integer in its only canonical spelling that is a node's id.
#[inline]
pub(super) fn parse_canonical(text: &[u8]) -> Option<u64> {
    match text {
        [] => None,
        [b'0'] => Some(0),
        [b'0', ..] => None,
        _ if text.len() <= 19 => {
            // 19 digits cannot overflow.
            let mut n = 0u64;
            for &b in text {
                let digit = b.wrapping_sub(b'0');
                if digit > 9 {
                    return None;
                }
                n = n * 10 + u64::from(digit);
            }
            Some(n)
        }
        _ if text.len() == 20 && text.iter().all(u8::is_ascii_digit) => {
            std::str::from_utf8(text).ok()?.parse().ok().filter(|&n| n <= NodeId::MAX.0)
        }
        _ => None,
    }
}

/// The text of a field; broken UTF-8 is an error that says where.
pub(super) fn utf8(text: &[u8], place: Place, column: u64) -> Result<&str, RowError> {
    std::str::from_utf8(text).map_err(|error| {
        let at = error.valid_up_to();
        let what = format!("broken UTF-8 (byte 0x{:02x})", text[at]);
        RowError::row(place, column + at as u64, what)
            .hint("input is UTF-8; convert it first, for example with iconv")
    })
}

/// Bytes as a message shows them.
pub(super) fn shorten(text: &[u8]) -> String {
    let mut shown: String = String::from_utf8_lossy(&text[..text.len().min(160)]).chars().take(40).collect();
    if text.len() > shown.len() {
        shown.push('…');
    }
    shown
}
