//! What a page holds, as its header says it.

use std::fmt;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $word:literal;)*) => {
        /// What a page holds. The codes are part of the file format and never change their meaning.
        #[derive(Copy, Clone, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum PageKind { $($(#[$doc])* $name = $code,)* }

        impl PageKind {
            /// Every kind, in the order of their codes.
            pub const ALL: &'static [PageKind] = &[$(PageKind::$name,)*];

            /// The kind with this code, if there is one.
            pub const fn from_code(code: u8) -> Option<PageKind> {
                match code { $($code => Some(PageKind::$name),)* _ => None }
            }

            /// The word that commands and errors use.
            pub const fn word(self) -> &'static str {
                match self { $(PageKind::$name => $word,)* }
            }
        }
    };
}

kinds! {
    /// Page 0: magic, version, page size, UUID. Has no page header.
    Superblock = 1, "superblock";
    /// Pages 1 to 4: the root record. Has no page header.
    Meta = 2, "meta";
    /// Bits of one region of the allocation map.
    MapRegion = 3, "map region";
    /// References to map regions with their counts.
    MapIndex = 4, "map index";
    /// An inner node of any tree: separators and references.
    Inner = 5, "inner";
    /// A leaf of a tree of byte keys and records.
    Record = 6, "record";
    /// Node records in id order.
    Node = 7, "node";
    /// Adjacency lists, source to targets.
    EdgeOut = 8, "edge out";
    /// Adjacency lists, target to sources.
    EdgeIn = 9, "edge in";
    /// A piece of a long value, or references to pieces.
    Overflow = 10, "overflow";
    /// A page of the log.
    Log = 11, "log";
}

impl fmt::Display for PageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
