//! What the figures were measured on and with.

use std::process::Command;

/// One line each: processor, system, compiler, versions of the peers.
pub(crate) fn describe() -> Vec<String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let unknown = || "unknown".to_owned();
    let model = field("/proc/cpuinfo", "model name", ':').unwrap_or_else(unknown);
    let system = field("/etc/os-release", "PRETTY_NAME", '=').unwrap_or_else(unknown);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_else(|_| unknown());
    let rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("--version").output();
    let rustc = rustc.map_or_else(|_| unknown(), |output| String::from_utf8_lossy(&output.stdout).into_owned());
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_else(|_| unknown());
    vec![
        format!("processor: {model}, {cores} cores"),
        format!("system: {system}, Linux {}", kernel.trim()),
        format!("compiler: {}", rustc.trim()),
        format!("load when the run began: {}", load.split(' ').take(3).collect::<Vec<_>>().join(" ")),
        format!("peers: {}", peers().join(", ")),
    ]
}

/// The value of a line `name = value`.
fn field(file: &str, name: &str, separator: char) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let mut fields = text.lines().filter_map(|line| line.split_once(separator));
    let (_, value) = fields.find(|(key, _)| key.trim() == name)?;
    Some(value.trim().trim_matches('"').to_owned())
}

/// The peers with the versions that were compiled in.
fn peers() -> Vec<String> {
    let version = |name: &str| {
        let entry = format!("name = \"{name}\"\nversion = \"");
        let (_, after) = LOCK.split_once(&entry)?;
        Some(after.split_once('"')?.0)
    };
    PEERS.iter().filter_map(|name| Some(format!("{name} {}", version(name)?))).collect()
}

const PEERS: [&str; 6] = ["crossbeam-channel", "iceoryx2", "ipc-channel", "kanal", "postcard-rpc", "tarpc"];

const LOCK: &str = include_str!("../../../Cargo.lock");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peer_has_a_version() {
        assert_eq!(peers().len(), PEERS.len());
    }
}
