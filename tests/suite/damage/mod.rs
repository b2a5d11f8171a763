//! Damage (I7): a closed store with one byte changed, or cut, opens and answers right, or says which page is damaged;
//! never a wrong answer, a panic, a hang, or memory without bound.
//!
//! | file | holds |
//! |---|---|
//! | `store` | the store that is damaged: every kind of page but the log's, at most 110 pages |
//! | `sweep` | every byte flipped in turn, and every length cut: checksums must tell |
//! | `reseal` | makes damaged pages valid again, all the way up to the root record |
//! | `counts` | what inner pages count below their children, wrong behind valid checksums: `check` names it (T11) |
//! | `indexes` | the same of property indexes and what the catalog says of them: `check` must find it |
//! | `fuzz` | damage behind valid checksums: decoders must not trust what they read |
//!
//! `FOLIOGRAPH_SEED` replays the random parts; a failing state is printed with page, byte and mask, or with its number.

mod counts;
mod fuzz;
mod indexes;
mod reseal;
mod store;
mod sweep;
