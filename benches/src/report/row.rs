//! Figures of the samples of a subject.

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use super::noise::spread;

/// The samples of one batch.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Batch {
    /// In the unit of what is measured, in the order in which they were taken.
    pub samples: Vec<f64>,
}

impl Batch {
    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }
}

/// The figures of one subject in one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Name of the group.
    pub group: String,
    /// Name of the case.
    pub case: String,
    /// Name of the subject.
    pub subject: String,
    /// Unit of all figures.
    pub unit: Unit,
    /// Number of samples.
    pub count: usize,
    /// Median over the batches of each batch's median: the figure that is compared.
    pub median: f64,
    /// Median over the batches of each batch's mean.
    pub mean: f64,
    /// Median over all samples.
    pub p50: f64,
    /// 90th percentile over all samples.
    pub p90: f64,
    /// 99th percentile over all samples.
    pub p99: f64,
    /// Largest sample.
    pub max: f64,
    /// All samples: bins of a logarithmic scale with their counts. Bin `i` holds samples in `2^(i/8) .. 2^((i+1)/8)`.
    /// Samples that are not positive have bin [`NOTHING`].
    pub histogram: Vec<(i32, u64)>,
    /// Median of each batch, in the order of the rounds.
    pub medians: Vec<f64>,
    /// Mean of each batch, in the order of the rounds.
    pub means: Vec<f64>,
    /// Relative spread of the batches' medians: half of their interquartile range, divided by their median.
    pub spread: f64,
    /// What a reader has to know.
    pub marks: Vec<Mark>,
}

/// The unit of a row's figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Nanoseconds per call: less is better.
    #[serde(rename = "ns")]
    Nanoseconds,
    /// Number per second: more is better.
    #[serde(rename = "1/s")]
    PerSecond,
    /// Bytes of growth per call: less is better, and values near 0 are 0.
    #[serde(rename = "B")]
    Bytes,
    /// Allocations per call, counted: less is better.
    #[serde(rename = "allocations")]
    Allocations,
}

impl Unit {
    /// Name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::PerSecond => "1/s",
            Self::Bytes => "B",
            Self::Allocations => "allocations",
        }
    }

    /// Whether figures are counted and have no noise.
    pub fn is_exact(self) -> bool {
        self == Self::Allocations
    }

    /// Whether two figures may be divided by each other.
    pub fn has_ratios(self) -> bool {
        matches!(self, Self::Nanoseconds | Self::PerSecond)
    }

    /// A figure for people.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Nanoseconds => super::time(value),
            Self::PerSecond => format!("{value:.0}/s"),
            Self::Bytes => format!("{value:.2} B"),
            Self::Allocations => format!("{value:.2}"),
        }
    }
}

/// What a reader of a row has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// Further rounds were run because the batches of this row disagreed.
    Repeated,
    /// The batches still disagree: the spread is above [`UNSTABLE`].
    Unstable,
    /// Other programs used more than [`LOADED`] of a core while it was measured.
    Loaded,
    /// The 99th percentile is at least [`TAIL`] times the median.
    Tail,
}

impl Mark {
    /// Name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Repeated => "repeated",
            Self::Unstable => "unstable",
            Self::Loaded => "loaded",
            Self::Tail => "long tail",
        }
    }

    /// What it means, in one sentence.
    pub fn about(self) -> String {
        match self {
            Self::Repeated => "Further rounds were run because the batches disagreed.".into(),
            Self::Unstable => format!("The batches still disagree by more than {:.0} %.", UNSTABLE * 100.0),
            Self::Loaded => format!("Other programs used more than {:.0} % of a core.", LOADED * 100.0),
            Self::Tail => format!("The 99th percentile is at least {TAIL:.0} times the median."),
        }
    }

    /// All marks.
    pub const ALL: [Self; 4] = [Self::Repeated, Self::Unstable, Self::Loaded, Self::Tail];
}

impl Row {
    /// The figures of a subject's batches, which are in the order of the rounds.
    ///
    /// # Errors
    /// When a batch has no sample, or a sample is not finite.
    pub fn of(key: [&str; 3], unit: Unit, batches: &[Batch]) -> anyhow::Result<Self> {
        let mut all: Vec<f64> = batches.iter().flat_map(|batch| &batch.samples).copied().collect();
        ensure!(!all.is_empty(), "no call was measured");
        ensure!(batches.iter().all(|batch| !batch.is_empty()), "one batch has no samples");
        ensure!(all.iter().all(|sample| sample.is_finite()), "a sample is not a finite number");
        let medians: Vec<f64> = batches.iter().map(|batch| median(&batch.samples)).collect();
        let mean = |batch: &Batch| batch.samples.iter().sum::<f64>() / batch.samples.len() as f64;
        let means: Vec<f64> = batches.iter().map(mean).collect();
        all.sort_unstable_by(f64::total_cmp);
        let [group, case, subject] = key.map(str::to_owned);
        let mut row = Self {
            group,
            case,
            subject,
            unit,
            count: all.len(),
            median: median(&medians),
            mean: median(&means),
            p50: of_sorted(&all, 0.5),
            p90: of_sorted(&all, 0.9),
            p99: of_sorted(&all, 0.99),
            max: all[all.len() - 1],
            histogram: histogram(&all),
            spread: spread(&medians),
            medians,
            means,
            marks: vec![],
        };
        if unit == Unit::Nanoseconds && row.median > 0.0 && row.p99 >= TAIL * row.median {
            row.marks.push(Mark::Tail);
        }
        if row.is_unstable() {
            row.marks.push(Mark::Unstable);
        }
        Ok(row)
    }

    /// Whether the batches disagree.
    pub fn is_unstable(&self) -> bool {
        self.unit.has_ratios() && self.spread > UNSTABLE
    }

    /// By how much the median is above that of another row: the median of the differences within rounds.
    pub fn above(&self, other: &Self) -> f64 {
        median(&self.medians.iter().zip(&other.medians).map(|(ours, theirs)| ours - theirs).collect::<Vec<_>>())
    }
}

/// Counts per bin, for sorted samples.
fn histogram(sorted: &[f64]) -> Vec<(i32, u64)> {
    let mut bins: Vec<(i32, u64)> = vec![];
    for &sample in sorted {
        let bin = if sample > 0.0 { (sample.log2() * 8.0).floor() as i32 } else { NOTHING };
        match bins.last_mut() {
            Some((last, count)) if *last == bin => *count += 1,
            _ => bins.push((bin, 1)),
        }
    }
    bins
}

/// The value in the middle.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which this share of the values lies: the nearest rank.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    of_sorted(&sorted, share)
}

fn of_sorted(sorted: &[f64], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// Bin of samples that are not positive.
pub(super) const NOTHING: i32 = i32::MIN;

/// Spread above which a row is unstable.
pub(super) const UNSTABLE: f64 = 0.1;

/// Share of a core above which other programs disturb a row.
pub const LOADED: f64 = 0.1;

/// Ratio of the 99th percentile to the median from which a row has a long tail.
pub(super) const TAIL: f64 = 40.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn row<const N: usize>(batches: [Vec<f64>; N]) -> anyhow::Result<Row> {
        let batches = batches.map(|samples| Batch { samples });
        Row::of(["native", "inc", "coincide"], Unit::Nanoseconds, &batches)
    }

    #[test]
    fn figures_are_medians_of_batches_and_percentiles_of_samples() {
        let row = row([vec![1.0, 2.0, 9.0], vec![4.0], vec![3.0, 3.0]]).unwrap();
        assert_eq!((row.median, row.mean, row.count), (3.0, 4.0, 6));
        assert_eq!((row.p50, row.p90, row.p99, row.max), (3.0, 9.0, 9.0, 9.0));
        assert_eq!(row.medians, [2.0, 4.0, 3.0]);
    }

    #[test]
    fn histogram_holds_every_sample() {
        let table = [
            (vec![0.0, 1.0, 1.05, 2.0, 1024.0], vec![(NOTHING, 1), (0, 2), (8, 1), (80, 1)]),
            (vec![5.0], vec![(18, 1)]),
            (vec![3.0; 7], vec![(12, 7)]),
            (vec![0.0; 4], vec![(NOTHING, 4)]),
            (vec![-2.0, 0.5], vec![(NOTHING, 1), (-8, 1)]),
            (vec![f64::MIN_POSITIVE, 1.0, 1e300], vec![(-8176, 1), (0, 1), (7972, 1)]),
        ];
        for (samples, expected) in table {
            assert_eq!(histogram(&samples), expected, "{samples:?}");
        }
        assert_eq!(histogram(&[]), []);
    }

    #[test]
    fn batches_without_samples_or_with_invalid_ones_are_refused() {
        assert!(row([]).is_err());
        assert!(row([vec![1.0], vec![]]).is_err());
        assert!(row([vec![f64::NAN]]).is_err());
    }

    #[test]
    fn long_tails_and_disagreeing_batches_are_marked() {
        let steady = vec![10.0; 99];
        let marks = |last: f64| row([[&steady[..], &[last, last]].concat()]).unwrap().marks;
        assert_eq!(marks(399.0), []);
        assert_eq!(marks(400.0), [Mark::Tail]);
        assert_eq!(row([vec![10.0], vec![12.1], vec![14.0], vec![10.0]]).unwrap().marks, [Mark::Unstable]);
        assert_eq!(row([vec![10.0], vec![10.5], vec![11.0]]).unwrap().marks, []);
        // A multiple of nothing is no tail.
        assert_eq!(row([vec![0.0; 3]]).unwrap().marks, []);
    }
}
