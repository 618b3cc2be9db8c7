//! Counting tests by what Rust's test harness, criterion's test mode and the vector script print.

use crate::report::{Skip, Tally};

/// Takes a line of the output of Rust's test harness into account.
pub(crate) fn count(line: &str, tally: &mut Tally) {
    let line = anstream::adapter::strip_str(line).to_string();
    if let Some(summary) = line.strip_prefix("test result: ") {
        // Ignored tests have been counted by their own lines, which say why.
        tally.passed += number_before(summary, " passed").unwrap_or(0);
        tally.failed += number_before(summary, " failed").unwrap_or(0);
    } else if let Some((name, outcome)) = line.strip_prefix("test ").and_then(|test| test.rsplit_once(" ... ")) {
        if outcome == "FAILED" {
            tally.failures.push(name.to_owned());
        } else if let Some(rest) = outcome.strip_prefix("ignored") {
            let why = rest.strip_prefix(", ").unwrap_or("marked to be ignored, without a reason");
            tally.skipped.push(Skip { what: name.to_owned(), why: why.to_owned() });
        }
    }
}

/// Takes a line of criterion's test mode into account, which says `Success` of each bench that ran once.
pub(crate) fn count_bench(line: &str, tally: &mut Tally) {
    if anstream::adapter::strip_str(line).to_string() == "Success" {
        tally.passed += 1;
    } else {
        count(line, tally);
    }
}

/// The numbers of a line `N passed, N failed`.
pub(crate) fn plain_counts(line: &str) -> Option<(u64, u64)> {
    let (passed, failed) = line.trim().strip_suffix(" failed")?.split_once(" passed, ")?;
    Some((passed.parse().ok()?, failed.parse().ok()?))
}

fn number_before(text: &str, word: &str) -> Option<u64> {
    let before = &text[..text.find(word)?];
    before.rsplit(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harness_output_is_counted() {
        let output = "
running 5 tests
test ring::tests::wraps ... ok
test ring::tests::slow ... ignored, takes an hour
test ring::tests::odd ... ignored
test src/lib.rs - Ring::push (line 12) ... ignored
test ring::tests::shrinks ... FAILED

failures:
    ring::tests::shrinks

test result: FAILED. 12 passed; 1 failed; 3 ignored; 0 measured; 0 filtered out; finished in 0.01s
test result: ok. 30 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s";
        let mut tally = Tally::default();
        output.lines().for_each(|line| count(line, &mut tally));
        assert_eq!((tally.passed, tally.failed), (42, 1));
        assert_eq!(tally.failures, ["ring::tests::shrinks"]);
        let skipped: Vec<_> = tally.skipped.iter().map(|skip| (skip.what.as_str(), skip.why.as_str())).collect();
        let no_reason = "marked to be ignored, without a reason";
        assert_eq!(
            skipped,
            [
                ("ring::tests::slow", "takes an hour"),
                ("ring::tests::odd", no_reason),
                ("src/lib.rs - Ring::push (line 12)", no_reason),
            ]
        );
    }

    #[test]
    fn colours_do_not_matter() {
        let mut tally = Tally::default();
        count("test result: \u{1b}[32mok\u{1b}[0m. 7 passed; 0 failed; 0 ignored", &mut tally);
        count("test a ... \u{1b}[31mFAILED\u{1b}[0m", &mut tally);
        assert_eq!((tally.passed, tally.failures.len()), (7, 1));
    }

    #[test]
    fn benches_that_ran_once_are_counted() {
        let mut tally = Tally::default();
        for line in ["Testing frame/header", "Success", "", "Testing call/32B/hot", "Success"] {
            count_bench(line, &mut tally);
        }
        assert_eq!(tally.passed, 2);
    }

    #[test]
    fn plain_counts_stand_alone() {
        assert_eq!(plain_counts("120 passed, 3 failed"), Some((120, 3)));
        assert_eq!(plain_counts("120 passed, 3 failed, 1 skipped"), None);
        assert_eq!(plain_counts("all passed, none failed"), None);
    }
}
