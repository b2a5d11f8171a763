//! What all questions for the whole graph have in common: which edges count, and who watches.

/// The methods that each question has.
macro_rules! question {
    ($name:ident) => {
        impl<'a, R: ReadPages> $name<'a, R> {
            /// Counts edges of this type only (may be said several times). A name that is not known counts none.
            pub fn of_type(mut self, name: &str) -> Self {
                self.follow.add_type(self.reader, name);
                self
            }

            /// Who watches, and who may stop it: see [`Control`].
            pub fn control(mut self, control: Control<'a>) -> Self {
                self.control = control;
                self
            }

            /// The most memory that it takes for this graph, the cache and one node's list apart.
            pub fn memory(&self) -> u64 {
                self.reader.node_count().saturating_mul(Self::BYTES_PER_NODE)
            }
        }
    };
}

/// The method of those for which it matters which way edges point.
macro_rules! directed {
    ($name:ident) => {
        impl<R: ReadPages> $name<'_, R> {
            /// Follows edges this way, whatever their type says.
            pub fn direction(mut self, direction: Direction) -> Self {
                self.follow.direction = Some(direction);
                self
            }
        }
    };
}

pub(super) use {directed, question};
