//! Results of runs and what is made of them: figures, noise, comparisons, tables, charts and pages.

pub mod against;
mod chart;
pub mod criterion;
pub mod docs;
pub mod filter;
pub mod goals;
pub mod html;
mod machine;
pub mod noise;
mod overview;
pub mod pages;
mod row;
mod run;
#[cfg(test)]
mod sample;
mod table;
pub mod text;

pub use machine::{CHILD_LIMIT, Machine, Others, load, output};
pub use row::{Batch, LOADED, Mark, Row, Unit, median, quantile};
pub use run::{Case, Gap, Gauge, Group, Options, Probe, Run, SCHEMA, Shipped, Size, Subject};
pub use table::{Table, ratio, time};

/// How a subject is read in a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// What the machine allows: no names, no serialization, no errors.
    Bound,
    /// An alternative to coincide.
    Peer,
    /// What is measured.
    Coincide,
}
