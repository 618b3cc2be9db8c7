//! A made-up run for tests: two groups, every unit, and gaps of every kind.

use super::{Batch, Case, Gap, Gauge, Group, Kind, Options, Probe, Row, Run, Shipped, Size, Subject, Unit};

pub(crate) fn run() -> Run {
    let mut run = Run::begin(Options::default());
    run.commit = "0123456789ab".into();
    run.versions.insert("tarpc".into(), "0.38.0".into());
    for (group, peer, case) in [("native", "tarpc", "call/32B/hot/threads"), ("chromium", "coincident", "inc")] {
        run.groups.push(Group { name: group.into(), about: format!("in {group}") });
        for (name, kind) in [("limit", Kind::Bound), ("coincide", Kind::Coincide), (peer, Kind::Peer)] {
            run.subjects.push(Subject {
                group: group.into(),
                name: name.into(),
                kind,
                about: format!("{name} & its <ends>"),
                code: format!("benches/{name}.rs"),
            });
        }
        for case in [case, "flood/calls", "slow"] {
            run.cases.push(Case {
                group: group.into(),
                name: case.into(),
                section: if case == "slow" { "Slow" } else { "Round trips" }.into(),
                about: format!("measures {case}"),
                code: "benches/case.rs".into(),
                limit: (case != "flood/calls").then(|| "limit".into()),
            });
        }
        for (case, subject, unit, median) in [
            (case, "limit", Unit::Nanoseconds, 200.0),
            (case, "coincide", Unit::Nanoseconds, 500.0),
            (case, peer, Unit::Nanoseconds, 9000.0),
            // A case that a peer wins, and one within noise.
            ("slow", "coincide", Unit::Nanoseconds, 3e6),
            ("slow", peer, Unit::Nanoseconds, 1e6),
            ("flood/calls", "coincide", Unit::PerSecond, 30.0),
            ("flood/calls", peer, Unit::PerSecond, 30.0),
            (case, "coincide", Unit::Allocations, 1.0),
        ] {
            let rounds = if unit.is_exact() { 1 } else { 3 };
            let batch = Batch { samples: vec![median, median, median * if unit.is_exact() { 1.0 } else { 1.5 }] };
            run.rows.push(Row::of([group, case, subject], unit, &vec![batch; rounds]).unwrap());
        }
        let probe = |at| Probe { at, values: vec![100.0, 101.0, 102.0] };
        run.gauges.push(Gauge {
            group: group.into(),
            name: "ping-pong".into(),
            about: "two cores".into(),
            noise: true,
            probes: vec![probe(0.0), probe(60.0)],
        });
        run.gaps.push(Gap {
            group: group.into(),
            case: Some("slow".into()),
            subject: Some("limit".into()),
            failed: true,
            reason: format!("it hangs in {group}"),
        });
    }
    let missing =
        |reason: &str| Gap { group: "firefox".into(), case: None, subject: None, failed: false, reason: reason.into() };
    run.gaps.push(missing("firefox is not installed"));
    let size = Size { raw: 4000, brotli: 1500 };
    run.shipped.push(Shipped {
        subject: "coincide window".into(),
        version: "0.1.0".into(),
        sizes: [("main", size), ("worker", size)].map(|(part, size)| (part.to_owned(), size)).into(),
    });
    run
}
