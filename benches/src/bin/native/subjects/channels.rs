//! Channels between threads: a pair of them, with vectors that are moved.

use super::{Payload, Subject, pair};
use crate::case::{Case, Ends};
use crate::measure::Meter;

macro_rules! channel {
    ($(#[$docs:meta])* $subject:ident, $name:literal, $about:literal, $channel:expr) => {
        $(#[$docs])*
        pub(crate) struct $subject;

        impl Subject for $subject {
            fn name(&self) -> &'static str {
                $name
            }

            fn about(&self) -> &'static str {
                $about
            }

            fn takes(&self, case: &Case) -> bool {
                case.ends == Ends::Threads && !case.condition.has_other_links()
            }

            fn run_threads(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
                let (requests, inbox) = $channel;
                let (responses, answers) = $channel;
                pair(
                    case,
                    move || {
                        while let Ok(request) = inbox.recv() {
                            // A response of its own, as a function would give.
                            if responses.send(Vec::from(&request[..])).is_err() {
                                break;
                            }
                        }
                        Ok(())
                    },
                    move || {
                        let mut payload = Payload::new(case);
                        meter.run(|| {
                            requests.send(payload.next().to_vec())?;
                            let answer: Vec<u8> = answers.recv()?;
                            payload.check(&answer)
                        })
                    },
                )
            }
        }
    };
}

channel!(
    /// crossbeam-channel.
    Crossbeam,
    "crossbeam",
    "a pair of crossbeam-channel `bounded(1)`; each message is a fresh `Vec<u8>`, moved",
    crossbeam_channel::bounded::<Vec<u8>>(1)
);

channel!(
    /// kanal.
    Kanal,
    "kanal",
    "a pair of kanal `bounded(1)`; each message is a fresh `Vec<u8>`, moved",
    kanal::bounded::<Vec<u8>>(1)
);

channel!(
    /// The standard library's.
    Mpsc,
    "mpsc",
    "a pair of `std::sync::mpsc::channel`; each message is a fresh `Vec<u8>`, moved",
    std::sync::mpsc::channel::<Vec<u8>>()
);
