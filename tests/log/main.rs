//! Log lines: their grammar, in both directions, and how they come out.

mod line;
mod writing;
