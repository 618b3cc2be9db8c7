//! What the figures were measured on.

use std::process::Command;

/// One line each: processor, system, compiler.
pub fn describe() -> Vec<String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let unknown = || "unknown".to_owned();
    let model = field("/proc/cpuinfo", "model name", ':').unwrap_or_else(unknown);
    let system = field("/etc/os-release", "PRETTY_NAME", '=').unwrap_or_else(unknown);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_else(|_| unknown());
    let rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("--version").output();
    let rustc = rustc.map_or_else(|_| unknown(), |output| String::from_utf8_lossy(&output.stdout).into_owned());
    vec![
        format!("processor: {model}, {cores} cores"),
        format!("system: {system}, Linux {}", kernel.trim()),
        format!("compiler: {}", rustc.trim()),
    ]
}

/// How busy the machine is, as the averages of one, five and fifteen minutes.
pub fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_else(|_| "unknown".to_owned());
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// The value of a line `name = value`.
fn field(file: &str, name: &str, separator: char) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let mut fields = text.lines().filter_map(|line| line.split_once(separator));
    let (_, value) = fields.find(|(key, _)| key.trim() == name)?;
    Some(value.trim().trim_matches('"').to_owned())
}
