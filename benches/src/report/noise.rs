//! Which differences are more than noise.
//!
//! **Spread** of a row or a gauge: half of the interquartile range of its batches, relative to their median.
//!
//! **Noise of a group**: the largest, over its gauges that bear noise, of the median spread of their probes; 2 % at least.
//!
//! **Interval of a ratio**: the percentile bootstrap (B. Efron and R. Tibshirani, *An Introduction to the Bootstrap*, 1993,
//! chapter 13) of the median of the ratios within rounds, with a fixed seed. It is widened to contain the ratio of the two medians, so that no
//! verdict contradicts the medians beside it. Rows without common rounds are resampled independently. With fewer than three batches there is
//! no interval.
//!
//! A ratio is **within noise** if its interval contains 1, or it differs from 1 by no more than the noise.

use super::{Row, Run, median, quantile};

/// Ratio of a row's figure to that of another row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The ratio.
    pub value: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end of its interval.
    pub high: f64,
    /// Relative differences up to this one are noise.
    pub noise: f64,
}

/// Which figure of rows is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// The medians of batches.
    Median,
    /// The means of batches, for distributions that a median does not describe.
    Mean,
}

impl Ratio {
    /// Of two rows of one run, within its rounds: a machine that changes between rounds favours neither.
    pub fn within_run(ours: &Row, theirs: &Row, figure: Figure, noise: f64) -> Self {
        let [ours, theirs] = [ours, theirs].map(|row| batches(row, figure));
        if ours.len() != theirs.len() {
            return Self::between(ours, theirs, 0.95, noise);
        }
        let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
        let (low, high) = interval(ratios.len(), 0.95, |random| {
            median(&(0..ratios.len()).map(|_| ratios[random.usize(..ratios.len())]).collect::<Vec<_>>())
        });
        let of_medians = median(ours) / median(theirs);
        Self { value: median(&ratios), low: low.min(of_medians), high: high.max(of_medians), noise }
    }

    /// Of batches that have no rounds in common. `confidence` is that of the interval.
    pub fn between(ours: &[f64], theirs: &[f64], confidence: f64, noise: f64) -> Self {
        let resampled = |values: &[f64], random: &mut fastrand::Rng| {
            median(&(0..values.len()).map(|_| values[random.usize(..values.len())]).collect::<Vec<_>>())
        };
        let (low, high) = interval(ours.len().min(theirs.len()), confidence, |random| {
            resampled(ours, random) / resampled(theirs, random)
        });
        Self { value: median(ours) / median(theirs), low, high, noise }
    }

    /// The ratio if it is more than noise.
    pub fn significant(self) -> Option<f64> {
        // A NaN or infinite ratio, of figures that are 0, is not meaningful.
        let outside = self.low > 1.0 || self.high < 1.0;
        let beyond = self.value.ln().abs() > self.noise.ln_1p();
        (self.value.is_finite() && outside && beyond).then_some(self.value)
    }

    /// For people: the ratio, or that it is within noise.
    pub fn show(self) -> String {
        self.significant().map_or_else(|| WITHIN_NOISE.to_owned(), super::ratio)
    }
}

/// Text that replaces a ratio within noise.
pub const WITHIN_NOISE: &str = "within noise";

/// Half of the interquartile range, relative to the median.
pub fn spread(values: &[f64]) -> f64 {
    let middle = median(values);
    if middle == 0.0 {
        return 0.0;
    }
    (quantile(values, 0.75) - quantile(values, 0.25)) / 2.0 / middle.abs()
}

/// Noise of a group of a run: smaller relative differences are not significant.
pub fn of_group(run: &Run, group: &str) -> f64 {
    let gauges = run.gauges.iter().filter(|gauge| gauge.group == group && gauge.noise && !gauge.probes.is_empty());
    let spreads =
        gauges.map(|gauge| median(&gauge.probes.iter().map(|probe| spread(&probe.values)).collect::<Vec<_>>()));
    spreads.fold(LEAST, f64::max)
}

/// Median of a gauge over all of its probes.
pub fn level(run: &Run, group: &str, name: &str) -> Option<f64> {
    let gauge = run.gauges.iter().find(|gauge| gauge.group == group && gauge.name == name)?;
    let values: Vec<f64> = gauge.probes.iter().flat_map(|probe| &probe.values).copied().collect();
    (!values.is_empty()).then(|| median(&values))
}

fn batches(row: &Row, figure: Figure) -> &[f64] {
    match figure {
        Figure::Median => &row.medians,
        Figure::Mean => &row.means,
    }
}

/// Percentiles of a resampled statistic; unbounded with too few batches.
fn interval(batches: usize, confidence: f64, mut statistic: impl FnMut(&mut fastrand::Rng) -> f64) -> (f64, f64) {
    if batches < 3 {
        return (0.0, f64::INFINITY);
    }
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut found: Vec<f64> = (0..RESAMPLES).map(|_| statistic(&mut random)).collect();
    found.sort_unstable_by(f64::total_cmp);
    let tail = ((1.0 - confidence) / 2.0 * RESAMPLES as f64).floor() as usize;
    (found[tail], found[RESAMPLES - 1 - tail])
}

/// Noise of a group whose gauges are steadier.
const LEAST: f64 = 0.02;

const RESAMPLES: usize = 1000;

/// The same results for the same files.
const SEED: u64 = 0x00c0_1dc1_de00;

#[cfg(test)]
mod tests {
    use super::super::{Batch, Gauge, Probe, Unit, sample};
    use super::*;

    fn row(medians: &[f64]) -> Row {
        let batches: Vec<Batch> = medians.iter().map(|&median| Batch { samples: vec![median] }).collect();
        Row::of(["native", "inc", "a"], Unit::Nanoseconds, &batches).unwrap()
    }

    fn shown(ours: &[f64], theirs: &[f64], noise: f64) -> String {
        Ratio::within_run(&row(ours), &row(theirs), Figure::Median, noise).show()
    }

    #[test]
    fn ratios_are_taken_within_rounds() {
        // The machine is four times as fast in some rounds, which the medians alone would hide.
        let theirs = [4.0, 1.0, 4.0, 1.0, 4.0, 1.0];
        assert_eq!(shown(&theirs.map(|time| time * 2.0), &theirs, 0.02), "2.00");
    }

    #[test]
    fn ratio_within_noise_is_not_shown() {
        let table: [(&[f64], &[f64], f64, &str); 6] = [
            (&[10.0, 10.0, 10.0], &[5.0, 5.0, 5.0], 0.02, "2.00"),
            // The interval contains 1.
            (&[5.0, 10.0, 10.0], &[6.0, 5.0, 5.0], 0.02, WITHIN_NOISE),
            // Clear, and less than the machine's noise.
            (&[10.4, 10.4, 10.4], &[10.0, 10.0, 10.0], 0.05, WITHIN_NOISE),
            (&[10.6, 10.6, 10.6], &[10.0, 10.0, 10.0], 0.05, "1.06"),
            // Too few batches for an interval.
            (&[10.0, 10.0], &[5.0, 5.0], 0.02, WITHIN_NOISE),
            // Nothing to divide by.
            (&[10.0, 10.0, 10.0], &[0.0, 0.0, 0.0], 0.02, WITHIN_NOISE),
        ];
        for (ours, theirs, noise, expected) in table {
            assert_eq!(shown(ours, theirs, noise), expected, "{ours:?} {theirs:?}");
        }
    }

    #[test]
    fn ratio_that_contradicts_the_medians_is_within_noise() {
        // Two states of the machine: in each round but one the peer is faster, and its median is higher.
        let ours = [15.0, 15.0, 15.0, 15.0, 15.0, 60.0, 60.0, 60.0, 60.0];
        let theirs = [10.0, 10.0, 10.0, 10.0, 36.0, 36.0, 36.0, 36.0, 36.0];
        assert_eq!(shown(&ours, &theirs, 0.02), WITHIN_NOISE);
    }

    #[test]
    fn rows_with_different_numbers_of_batches_are_compared_without_rounds() {
        assert_eq!(shown(&[10.0; 5], &[5.0; 3], 0.02), "2.00");
    }

    #[test]
    fn noise_of_a_group_is_its_least_steady_gauge() {
        let mut run = sample::run();
        run.gauges.clear();
        assert_eq!(of_group(&run, "native"), LEAST);
        let gauge = |name: &str, group: &str, noise, values: [f64; 4]| Gauge {
            group: group.into(),
            name: name.into(),
            about: String::new(),
            noise,
            probes: vec![Probe { at: 0.0, values: values.to_vec() }],
        };
        run.gauges.push(gauge("ping-pong", "native", true, [100.0, 100.0, 120.0, 120.0]));
        run.gauges.push(gauge("page fault", "native", false, [100.0, 100.0, 900.0, 900.0]));
        run.gauges.push(gauge("post", "chromium", true, [100.0, 100.0, 900.0, 900.0]));
        assert_eq!(of_group(&run, "native"), 0.1);
        assert_eq!(level(&run, "native", "ping-pong"), Some(100.0));
    }
}
