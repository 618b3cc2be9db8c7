//! What `cargo xtask bench --web` has gathered: the lines that pages posted, and what libraries weigh.

use std::collections::BTreeMap;

use coincide_benches::report::Kind;
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Measured {
    pub(crate) quick: bool,
    /// Of the machine, when the run began.
    pub(crate) load: String,
    pub(crate) shipped: Vec<Shipped>,
    pub(crate) browsers: Vec<Browser>,
    pub(crate) skipped: Vec<Skipped>,
}

/// What an application ships of a library.
#[derive(Deserialize)]
pub(crate) struct Shipped {
    pub(crate) subject: String,
    pub(crate) version: String,
    /// By part: `main` with all that it imports, `worker` the same, `wasm`.
    pub(crate) sizes: BTreeMap<String, Size>,
}

/// In bytes.
#[derive(Clone, Copy, Default, Deserialize)]
pub(crate) struct Size {
    pub(crate) raw: u64,
    pub(crate) brotli: u64,
}

impl Shipped {
    pub(crate) fn total(&self) -> Size {
        let sum = |sum: Size, part: &Size| Size { raw: sum.raw + part.raw, brotli: sum.brotli + part.brotli };
        self.sizes.values().fold(Size::default(), sum)
    }
}

/// A browser in which the page ran.
#[derive(Deserialize)]
pub(crate) struct Browser {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) lines: Vec<Line>,
}

/// A line that the page posted.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Line {
    /// What is going to be measured.
    Announcement {
        rows: Vec<Row>,
        subjects: Vec<Subject>,
    },
    Batch {
        subject: String,
        /// By figure.
        samples: BTreeMap<String, Vec<f64>>,
        /// Why there are none, by figure.
        skipped: BTreeMap<String, String>,
    },
    Failure {
        row: String,
        subject: String,
        error: String,
    },
    /// A sign of life.
    Note {
        #[serde(rename = "note")]
        _note: String,
    },
    /// What went wrong with the page itself.
    Fault(String),
}

/// What is run, and which figures that gives.
#[derive(Clone, Deserialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) about: String,
    /// Under which heading its figures stand.
    pub(crate) section: String,
    pub(crate) figures: Vec<Figure>,
}

#[derive(Clone, Deserialize)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Unit {
    /// Nanoseconds: less is better.
    #[serde(rename = "ns")]
    Nanoseconds,
    /// How many in a second: more is better.
    #[serde(rename = "1/s")]
    PerSecond,
    /// Bytes per call: less is better, and about 0 is none.
    #[serde(rename = "B")]
    Bytes,
}

impl Unit {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::PerSecond => "1/s",
            Self::Bytes => "B",
        }
    }
}

#[derive(Clone, Deserialize)]
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) about: String,
}

/// What was not measured at all.
#[derive(Deserialize)]
pub(crate) struct Skipped {
    pub(crate) what: String,
    pub(crate) why: String,
}
