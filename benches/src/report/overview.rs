//! Coincide beside each peer, case by case.

use super::noise::{self, Figure, Ratio};
use super::{Case, Kind, Row, Run, Table, Unit};

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

/// How coincide does against a peer in all cases of a group.
pub(super) struct Score<'a> {
    pub(super) group: &'a str,
    pub(super) peer: &'a str,
    /// The worst for coincide first.
    pub(super) duels: Vec<Duel<'a>>,
}

impl Score<'_> {
    pub(super) fn count(&self, verdict: Verdict) -> usize {
        self.duels.iter().filter(|duel| duel.verdict == verdict).count()
    }
}

/// A score for each group and peer, in the order of the report.
pub(super) fn scores(run: &Run) -> Vec<Score<'_>> {
    let mut scores = vec![];
    for group in &run.groups {
        let mut rest = duels(run, &group.name);
        for subject in run.subjects.iter().filter(|subject| subject.group == group.name && subject.kind == Kind::Peer) {
            let (duels, others) = rest.into_iter().partition(|duel| duel.theirs.subject == subject.name);
            rest = others;
            let score = Score { group: &group.name, peer: &subject.name, duels };
            scores.extend(Some(score).filter(|score| !score.duels.is_empty()));
        }
    }
    scores
}

/// The scores as a table.
pub(super) fn table(run: &Run) -> Table {
    let header = ["in", "peer", "won", "lost", noise::WITHIN_NOISE, "best ratio", "worst ratio"];
    let mut table = Table::new("Coincide beside its peers", header.map(String::from).to_vec());
    for score in scores(run) {
        let end = |duel: Option<&Duel<'_>>| match duel {
            Some(duel) => format!("{} {}", duel.ratio.show(), duel.case.name),
            None => "–".to_owned(),
        };
        let decided = || score.duels.iter().filter(|duel| duel.verdict != Verdict::WithinNoise);
        let by_ratio = |a: &&Duel<'_>, b: &&Duel<'_>| a.ratio.value.total_cmp(&b.ratio.value);
        let mut row = vec![score.group.to_owned(), score.peer.to_owned()];
        let verdicts = [Verdict::Won, Verdict::Lost, Verdict::WithinNoise];
        row.extend(verdicts.map(|verdict| score.count(verdict).to_string()));
        row.extend([end(decided().min_by(by_ratio)), end(decided().max_by(by_ratio))]);
        table.rows.push(row);
    }
    table
}

/// The sums over all groups, in a sentence, and how to read a ratio.
pub(super) fn sums(run: &Run) -> String {
    let scores = scores(run);
    let [won, lost, noise] = [Verdict::Won, Verdict::Lost, Verdict::WithinNoise]
        .map(|verdict| scores.iter().map(|score| score.count(verdict)).sum::<usize>());
    format!(
        "Coincide wins {won} of {} comparisons with peers and loses {lost}; {noise} are within noise. A ratio is the cost of coincide divided by \
         that of the peer: below 1, coincide is better.",
        won + lost + noise
    )
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

    #[test]
    fn scores_show_wins_losses_and_extremes_of_each_peer() {
        let rows = table(&sample::run()).rows;
        let expected = [
            ["native", "tarpc", "1", "1", "1", "0.056 call/32B/hot/threads", "3.00 slow"],
            ["chromium", "coincident", "1", "1", "1", "0.056 inc", "3.00 slow"],
        ];
        assert_eq!(rows, expected);
        assert!(
            sums(&sample::run())
                .starts_with("Coincide wins 2 of 6 comparisons with peers and loses 2; 2 are within noise.")
        );
    }
}
