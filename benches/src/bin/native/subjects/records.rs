//! A list of typed records, the same for all subjects that have types.

use anyhow::ensure;
use postcard_rpc::postcard_schema::{self, Schema};
use serde::{Deserialize, Serialize};

use crate::case::RECORDS;

/// As the records of `benches/web/payloads.js`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
#[postcard(crate = postcard_schema)]
#[allow(unreachable_pub, reason = "the endpoint of postcard-rpc is public")]
pub struct Record {
    id: u32,
    name: String,
    score: f64,
    revision: u32,
}

/// The lists of successive calls.
pub(super) struct Records {
    list: Vec<Record>,
    calls: u32,
}

impl Records {
    pub(super) fn new() -> Self {
        let record = |id: u32| Record { id, name: format!("record {id}"), score: f64::from(id) / 7.0, revision: 0 };
        Self { list: (0..RECORDS as u32).map(record).collect(), calls: 0 }
    }

    /// The list for the next call.
    pub(super) fn next(&mut self) -> &[Record] {
        self.calls = (self.calls + 1) % REVISIONS;
        for record in &mut self.list {
            record.revision = self.calls;
        }
        &self.list
    }

    /// The same, for callers that give it away.
    pub(super) fn take(&mut self) -> Vec<Record> {
        self.next();
        std::mem::take(&mut self.list)
    }

    /// Judges the answer by its length and its last record, and keeps it for the next call.
    pub(super) fn put_back(&mut self, answer: Vec<Record>) -> anyhow::Result<()> {
        let last = answer.last().map(|last| (last.id, last.name.as_str(), last.revision));
        let expected = Some((RECORDS as u32 - 1, LAST, self.calls));
        ensure!(answer.len() == RECORDS && last == expected, "the answer is not what was sent");
        self.list = answer;
        Ok(())
    }
}

/// Name of the last record.
const LAST: &str = "record 99";

/// Different lists. Each of their numbers takes one byte in postcard.
const REVISIONS: u32 = 100;

#[cfg(test)]
mod tests {
    use coincide_codec::typed;

    use super::*;
    use crate::case::BYTES_OF_RECORDS;

    #[test]
    fn every_list_takes_as_many_bytes_and_is_accepted_as_its_answer() {
        let mut records = Records::new();
        for _ in 0..2 * REVISIONS {
            let list = records.take();
            let mut bytes = vec![];
            typed::to_buf(&list, 0, &mut bytes).unwrap();
            // The hash of the schema precedes the value.
            assert_eq!(bytes.len(), size_of::<u64>() + BYTES_OF_RECORDS);
            records.put_back(list).unwrap();
        }
    }

    #[test]
    fn old_answer_is_refused() {
        let mut records = Records::new();
        let old = records.next().to_vec();
        records.next();
        assert!(records.put_back(old).is_err());
    }
}
