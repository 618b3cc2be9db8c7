//! What coincide is measured beside.

use std::collections::BTreeMap;

/// The peers with their versions, as they were compiled in.
pub(crate) fn versions() -> BTreeMap<String, String> {
    let version = |name: &str| {
        let entry = format!("name = \"{name}\"\nversion = \"");
        let (_, after) = LOCK.split_once(&entry)?;
        Some(after.split_once('"')?.0)
    };
    PEERS.iter().filter_map(|name| Some(((*name).to_owned(), version(name)?.to_owned()))).collect()
}

const PEERS: [&str; 6] = ["crossbeam-channel", "iceoryx2", "ipc-channel", "kanal", "postcard-rpc", "tarpc"];

const LOCK: &str = include_str!("../../../Cargo.lock");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peer_has_a_version() {
        assert_eq!(versions().len(), PEERS.len());
    }
}
