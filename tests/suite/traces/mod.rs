//! The traces that broke earlier wordings of the pager's rules, each told on the real code: a simulated disk, one thread,
//! nothing left to chance.
//!
//! | file | holds |
//! |---|---|
//! | `words` | a store without trees; `tale` its stories and their crash states; `hooked` a device with a hook |
//! | `log` | R1, R2, R3, R8, R10, R11: what the log holds, and where it starts |
//! | `roots` | R4, R5: copies of root records |
//! | `versions` | R6, R7, R9: who sees which version, and whose pages are used again |

pub mod hooked;
pub mod log;
pub mod roots;
pub mod tale;
pub mod versions;
pub mod words;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// A panic of the store is a failure like another: an assertion noticed something.
pub fn guarded<T>(body: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        Err(format!("it panics: {}", text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("?")))
    })
}

pub fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}
