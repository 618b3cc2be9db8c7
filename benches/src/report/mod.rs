//! What the reports have in common: figures, tables, charts, and the machine.

pub mod chart;
mod figures;
mod machine;
mod table;

pub use figures::{Batch, Figures, Row, quantile};
pub use machine::{describe, load};
pub use table::{Table, ratio, time, verdict};

/// How a subject is to be read in a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// What the machine allows: no names, no serialization, no errors.
    Bound,
    /// What one would use instead of coincide.
    Peer,
    /// What is to be judged.
    Coincide,
}
