//! What is measured: a call, under a condition, between two ends.

use std::fmt;

use coincide_benches::report;
use coincide_benches::{SIZES, size};
use serde::{Deserialize, Serialize};

use crate::driver::GROUP;

/// One cell of the report: every subject that can do it is measured at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) call: Call,
    pub(crate) condition: Condition,
    pub(crate) ends: Ends,
}

impl Case {
    /// All cases, in the order of the report.
    pub(crate) fn all() -> Vec<Self> {
        let mut cases = vec![];
        let mut add = |call, condition, ends| cases.push(Self { call, condition, ends });
        for ends in [Ends::Threads, Ends::Processes] {
            add(Call::Increment, Condition::Hot, ends);
            add(Call::Records, Condition::Hot, ends);
            for bytes in SIZES {
                add(Call::Echo { bytes }, Condition::Hot, ends);
            }
        }
        for condition in [Condition::Cold, Condition::OneCore, Condition::Hogged] {
            for bytes in SIZES {
                add(Call::Echo { bytes }, condition, Ends::Threads);
            }
        }
        for condition in [Condition::Cold, Condition::OneCore, Condition::Hogged] {
            add(Call::Echo { bytes: 32 }, condition, Ends::Processes);
        }
        for condition in [Condition::TwoLinks, Condition::TwoLinksBusy] {
            for bytes in SIZES {
                add(Call::Echo { bytes }, condition, Ends::Threads);
            }
        }
        for condition in [Condition::ManyLinksBusy, Condition::BesideBulk] {
            add(Call::Echo { bytes: 32 }, condition, Ends::Threads);
        }
        for ends in [Ends::Threads, Ends::Processes] {
            add(Call::Echo { bytes: 4 << 20 }, Condition::Hot, ends);
        }
        cases
    }

    /// As in the results.
    pub(crate) fn described(&self) -> report::Case {
        let call = match self.call {
            Call::Echo { bytes } => format!("An echo of {}.", size(bytes)),
            Call::Increment => "A number there, the next number back.".to_owned(),
            Call::Records => format!("A list of {RECORDS} records of four fields there, the same list back."),
        };
        report::Case {
            group: GROUP.into(),
            name: self.to_string(),
            section: format!("{}, {}", self.condition.name(), self.ends.name()),
            about: format!("{call} {}", self.condition.about()),
            code: "benches/src/bin/native/case.rs".into(),
            limit: Some(self.condition.yardstick().into()),
        }
    }

    /// Bytes of payload each way.
    pub(crate) fn bytes(&self) -> usize {
        match self.call {
            Call::Echo { bytes } => bytes,
            Call::Increment => size_of::<u64>(),
            Call::Records => BYTES_OF_RECORDS,
        }
    }

    /// What the call's part of the name says: `call/32B`.
    pub(crate) fn call_name(&self) -> String {
        match self.call {
            Call::Echo { bytes } => format!("call/{}", size(bytes)),
            Call::Increment => "inc".into(),
            Call::Records => format!("{RECORDS}-records"),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.call_name(), self.condition.name(), self.ends.name())
    }
}

/// What a round trip carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Call {
    /// This many bytes there, and the same bytes back.
    Echo { bytes: usize },
    /// A number there, the next number back; for subjects without types, eight bytes.
    Increment,
    /// A list of [`RECORDS`] typed records both ways; for bounds, [`BYTES_OF_RECORDS`].
    Records,
}

/// Records of [`Call::Records`].
pub(crate) const RECORDS: usize = 100;

/// Bytes that the records take in postcard.
pub(crate) const BYTES_OF_RECORDS: usize = 1991;

/// Under which circumstances the calls follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Condition {
    /// The next call follows at once, on as many cores as there are.
    Hot,
    /// The caller pauses before each call, long enough for the callee to fall asleep.
    Cold,
    /// Both ends share one core.
    OneCore,
    /// A third thread burns a core.
    Hogged,
    /// One main serves two links, and the other one is idle.
    TwoLinks,
    /// One main serves two links, and both call all the time. The figure is the time per call, over both.
    TwoLinksBusy,
    /// One main serves [`MANY`] links, and all call all the time. The figure is the time per call, over all.
    ManyLinksBusy,
    /// One main serves two links, and the other one echoes a megabyte all the time.
    BesideBulk,
}

impl Condition {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Cold => "cold",
            Self::OneCore => "one-core",
            Self::Hogged => "hogged",
            Self::TwoLinks => "two-links",
            Self::TwoLinksBusy => "two-links-busy",
            Self::ManyLinksBusy => "64-links-busy",
            Self::BesideBulk => "beside-bulk",
        }
    }

    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Hot => "Each call follows the last one at once. Each end is confined to a core of its own.",
            Self::Cold => {
                "The caller sleeps 300 µs before each call, so the callee has fallen asleep; only the call is timed. Each end is confined to a core of its own."
            }
            Self::OneCore => "Both ends are confined to the same core.",
            Self::Hogged => {
                "A third thread occupies a core, and the scheduler assigns threads to cores. The mean says more than the median here."
            }
            Self::TwoLinks => {
                "One main serves two links, of which one is idle, compared with a main that has one link."
            }
            Self::TwoLinksBusy => {
                "One main serves two links that both call all the time. The figure is the time per call over both, compared with a main that has one link."
            }
            Self::ManyLinksBusy => {
                "One main serves 64 workers that all call all the time. The figure is the time per call over all, compared with a main that has one worker."
            }
            Self::BesideBulk => {
                "One main serves two links, and the other one echoes 1 MiB all the time. The figure is the time of a small call beside it, compared with a main that has one link: how far bulk traffic delays others."
            }
        }
    }

    /// The subject that shows what is possible.
    pub(crate) fn yardstick(self) -> &'static str {
        match self {
            Self::Hot => "limit",
            Self::Cold | Self::OneCore | Self::Hogged => "futex",
            Self::TwoLinks | Self::TwoLinksBusy | Self::ManyLinksBusy | Self::BesideBulk => "coincide-alone",
        }
    }

    /// Whether the same main serves other links as well.
    pub(crate) fn has_other_links(self) -> bool {
        self.yardstick() == "coincide-alone"
    }
}

/// Links of [`Condition::ManyLinksBusy`].
pub(crate) const MANY: usize = 64;

/// Where the two ends live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Ends {
    /// Two threads of one process.
    Threads,
    /// The caller is a child process.
    Processes,
}

impl Ends {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Threads => "threads",
            Self::Processes => "processes",
        }
    }
}
