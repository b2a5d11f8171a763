//! Dates and timestamps as text: `2026-01-31` and `2026-01-31T12:00:00Z`.
//!
//! A date is a count of days, a timestamp a count of microseconds, both from the start of 1970, both perhaps negative;
//! the calendar is the Gregorian one in both directions. The years -9999 to 9999 have a text; years before 0 or after
//! 9999 are written with a sign and six digits.
//!
//! Must always be true: what is printed parses back to the same value. Nothing is rounded: a timestamp finer than a
//! microsecond is refused.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};

/// Why a text is no date or timestamp.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DateError {
    /// It is not of the form.
    #[error("{text:?} is no {what}; expected one like {example}")]
    NotOne {
        /// What it was read as.
        what: &'static str,
        /// What was read.
        text: String,
        /// How one looks.
        example: &'static str,
    },
    /// It has digits that would be lost.
    #[error("{0:?} is finer than a microsecond")]
    TooFine(String),
}

fn not_one(what: &'static str, text: &str, example: &'static str) -> DateError {
    DateError::NotOne { what, text: text.chars().take(64).collect(), example }
}

fn epoch() -> Date {
    Date::constant(1970, 1, 1)
}

/// Days of the calendar's first and last date: -9999-01-01 and 9999-12-31.
const FIRST_DATE: i32 = -4_371_587;
const LAST_DATE: i32 = 2_932_896;

fn days_of(date: Date) -> i32 {
    // From one civil date to another, in days, there is always an answer.
    epoch().until((Unit::Day, date)).map_or(0, |span| span.get_days())
}

/// Whether a date has a text.
pub fn date_in_range(days: i32) -> bool {
    (FIRST_DATE..=LAST_DATE).contains(&days)
}

/// Whether a timestamp has a text.
pub fn timestamp_in_range(micros: i64) -> bool {
    Timestamp::from_microsecond(micros).is_ok()
}

/// The days of a text like `2026-01-31`.
///
/// # Errors
/// The text is none, or out of range.
pub fn parse_date(text: &str) -> Result<i32, DateError> {
    // The calendar's own parser would also take a time along, and drop it.
    let bare = text.bytes().all(|b| b.is_ascii_digit() || b == b'-' || b == b'+');
    match text.parse::<Date>() {
        Ok(date) if bare => Ok(days_of(date)),
        _ => Err(not_one("date", text, "2026-01-31")),
    }
}

/// The microseconds of a text like `2026-01-31T12:00:00Z`: with an offset, or without one in UTC.
///
/// # Errors
/// The text is none, or out of range.
pub fn parse_timestamp(text: &str) -> Result<i64, DateError> {
    let wrong = || not_one("timestamp", text, "2026-01-31T12:00:00Z");
    // The calendar's own parser takes names of zones along, and makes a leap second the second before it.
    if !text.contains(['T', 't', ' ']) || text.contains(['[', ',']) || text.contains(":60") {
        return Err(wrong());
    }
    let timestamp = match text.parse::<Timestamp>() {
        Ok(timestamp) => timestamp,
        Err(_) => {
            let civil: DateTime = text.parse().map_err(|_| wrong())?;
            TimeZone::UTC.to_timestamp(civil).map_err(|_| wrong())?
        }
    };
    if timestamp.subsec_nanosecond() % 1000 != 0 {
        return Err(DateError::TooFine(text.chars().take(64).collect()));
    }
    Ok(timestamp.as_microsecond())
}

/// The text of a date; of one outside the calendar, `day` and the number.
pub fn print_date(days: i32) -> String {
    let date = date_in_range(days).then(|| epoch().checked_add(jiff::Span::new().days(days)).ok()).flatten();
    date.map_or_else(|| format!("day {days}"), |date| date.to_string())
}

/// The text of a timestamp, in UTC; of one outside the calendar, `microsecond` and the number.
pub fn print_timestamp(micros: i64) -> String {
    Timestamp::from_microsecond(micros).map_or_else(|_| format!("microsecond {micros}"), |t| t.to_string())
}
