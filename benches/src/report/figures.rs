//! What samples amount to.

use anyhow::ensure;
use serde::{Deserialize, Serialize};

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

/// The figures of one subject at one case.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Median over the batches of each batch's median.
    pub median: f64,
    /// 99th percentile over all samples.
    pub p99: f64,
    /// Median over the batches of each batch's mean.
    pub mean: f64,
    /// 99th percentile over the batches of each batch's mean.
    pub mean_p99: f64,
    /// How many samples there are.
    pub samples: usize,
    /// The median of each batch, in the order of the rounds.
    medians: Vec<f64>,
    /// The mean of each batch, in the order of the rounds.
    means: Vec<f64>,
}

impl Figures {
    /// The figures of a subject's batches, which are in the order of the rounds.
    ///
    /// # Errors
    /// When there is no sample.
    pub fn of(batches: &[Batch]) -> anyhow::Result<Self> {
        let mut all: Vec<f64> = batches.iter().flat_map(|batch| &batch.samples).copied().collect();
        ensure!(!all.is_empty(), "no call was measured");
        ensure!(batches.iter().all(|batch| !batch.is_empty()), "in one batch no call was measured");
        let medians: Vec<f64> = batches.iter().map(|batch| median(&batch.samples)).collect();
        let means: Vec<f64> =
            batches.iter().map(|batch| batch.samples.iter().sum::<f64>() / batch.samples.len() as f64).collect();
        Ok(Self {
            median: median(&medians),
            p99: quantile(&mut all, 0.99),
            mean: median(&means),
            mean_p99: quantile(&mut means.clone(), 0.99),
            samples: all.len(),
            medians,
            means,
        })
    }

    /// How many batches they are made of.
    pub fn batches(&self) -> usize {
        self.medians.len()
    }

    /// How many times the other's median this is: the median over the rounds of the ratio within a round, so that a machine
    /// that changes between rounds does not favour one side.
    pub fn ratio(&self, other: &Self) -> f64 {
        ratio(&self.medians, &other.medians)
    }

    /// By how much this is above the other's median: the median over the rounds of the difference within a round.
    pub fn above(&self, other: &Self) -> f64 {
        median(&self.medians.iter().zip(&other.medians).map(|(ours, theirs)| ours - theirs).collect::<Vec<_>>())
    }

    /// The same of the means.
    pub fn mean_ratio(&self, other: &Self) -> f64 {
        ratio(&self.means, &other.means)
    }
}

fn ratio(ours: &[f64], theirs: &[f64]) -> f64 {
    median(&ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect::<Vec<_>>())
}

fn median(values: &[f64]) -> f64 {
    quantile(&mut values.to_vec(), 0.5)
}

/// The value below which this share of the values lies. Sorts them.
pub fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let rank = (values.len() as f64 * share).ceil() as usize;
    values[rank.clamp(1, values.len()) - 1]
}

/// A row of the JSON file of a report.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Which figures belong together: `native`, `native-mean` where the samples are means of batches, or a browser.
    pub group: String,
    /// What is measured.
    pub case: String,
    /// Who is measured.
    pub subject: String,
    /// `ns`, `allocations` or `B` per call, or `1/s`.
    pub unit: String,
    /// Over the batches, of each batch's median.
    pub median: f64,
    /// The 99th percentile of the samples.
    pub p99: f64,
    /// How many samples there are.
    pub samples: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_medians_of_batches() {
        let batches = [vec![1.0, 2.0, 9.0], vec![4.0], vec![3.0, 3.0]].map(|samples| Batch { samples });
        let figures = Figures::of(&batches).unwrap();
        assert_eq!((figures.median, figures.p99, figures.mean), (3.0, 9.0, 4.0));
        assert_eq!((figures.samples, figures.batches()), (6, 3));
        assert!(Figures::of(&[Batch::default()]).is_err());
    }

    #[test]
    fn ratios_are_taken_within_rounds() {
        let figures = |medians: [f64; 3]| Figures::of(&medians.map(|median| Batch { samples: vec![median] })).unwrap();
        // The machine is four times as fast in the last two rounds, which the medians alone would hide.
        let (ours, theirs) = (figures([8.0, 2.0, 2.0]), figures([4.0, 1.0, 4.0]));
        assert_eq!(ours.ratio(&theirs), 2.0);
        assert_eq!(ours.mean_ratio(&theirs), 2.0);
        assert_eq!(ours.above(&theirs), 1.0);
    }
}
