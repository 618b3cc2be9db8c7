//! Coincide beside each peer, case by case.

use super::noise::{self, Figure, Ratio};
use super::{Case, Kind, Row, Run, Unit};

/// Coincide and a peer in one case.
pub(super) struct Duel<'a> {
    pub(super) case: &'a Case,
    pub(super) ours: &'a Row,
    pub(super) theirs: &'a Row,
    /// How many times the peer's cost coincide's is; below 1, coincide is better.
    pub(super) ratio: Ratio,
    pub(super) verdict: Verdict,
}

/// How coincide does against a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Lost,
    WithinNoise,
    Won,
}

impl Verdict {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::WithinNoise => noise::WITHIN_NOISE,
            Self::Won => "won",
        }
    }
}

/// Every peer in every case that coincide has, the worst for coincide first.
pub(super) fn duels<'a>(run: &'a Run, group: &str) -> Vec<Duel<'a>> {
    let noise = noise::of_group(run, group);
    let mut duels = vec![];
    for case in run.cases.iter().filter(|case| case.group == group) {
        let Some(ours) = run.ours(case).filter(|row| row.unit.has_ratios()) else { continue };
        let rows = run.rows_of(case).into_iter();
        for theirs in rows.filter(|row| run.kind(group, &row.subject) == Some(Kind::Peer)) {
            let [above, below] = if ours.unit == Unit::PerSecond { [theirs, ours] } else { [ours, theirs] };
            let ratio = Ratio::within_run(above, below, Figure::Median, noise);
            let verdict = match ratio.significant() {
                Some(ratio) if ratio > 1.0 => Verdict::Lost,
                Some(_) => Verdict::Won,
                None => Verdict::WithinNoise,
            };
            duels.push(Duel { case, ours, theirs, ratio, verdict });
        }
    }
    duels.sort_by(|a, b| a.verdict.cmp(&b.verdict).then(b.ratio.value.total_cmp(&a.ratio.value)));
    duels
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn rows_lost_come_first_and_rows_within_noise_are_neither_lost_nor_won() {
        let run = sample::run();
        let found: Vec<_> = duels(&run, "native").iter().map(|duel| (duel.case.name.as_str(), duel.verdict)).collect();
        let expected =
            [("slow", Verdict::Lost), ("flood/calls", Verdict::WithinNoise), ("call/32B/hot/threads", Verdict::Won)];
        assert_eq!(found, expected);
    }
}
