//! The machine that measures, and its load.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

/// A computer with its system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Model of the processor.
    pub cpu: String,
    /// Number of cores that the program may use.
    pub cores: usize,
    /// Memory in GiB, rounded.
    pub memory: u64,
    /// Distribution or operating system.
    pub system: String,
    /// Release of the kernel.
    pub kernel: String,
    /// Version of the compiler.
    pub compiler: String,
}

impl Machine {
    /// The machine that this program runs on.
    pub fn this() -> Self {
        let unknown = || "unknown".to_owned();
        let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        let rustc = output(rustc.arg("--version"));
        let kibibytes = field("/proc/meminfo", "MemTotal", ':');
        let kibibytes = kibibytes.and_then(|value| value.trim_end_matches(" kB").parse::<f64>().ok());
        Self {
            cpu: field("/proc/cpuinfo", "model name", ':').unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory: (kibibytes.unwrap_or_default() / f64::from(1 << 20)).round() as u64,
            system: field("/etc/os-release", "PRETTY_NAME", '=').unwrap_or_else(unknown),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
                .map_or_else(|_| unknown(), |s| s.trim().to_owned()),
            compiler: rustc.map_or_else(|_| unknown(), |said| String::from_utf8_lossy(&said.stdout).trim().to_owned()),
        }
    }

    /// Succeeds if the other is this machine, perhaps with another system.
    ///
    /// # Errors
    /// When processor, cores or memory differ.
    pub fn ensure_same(&self, other: &Self) -> anyhow::Result<()> {
        let hardware = |machine: &Self| format!("{}, {} cores, {} GiB", machine.cpu, machine.cores, machine.memory);
        let (ours, theirs) = (hardware(self), hardware(other));
        ensure!(ours == theirs, "the runs are from different machines ({ours}; {theirs}): measure both on one machine");
        Ok(())
    }

    /// One line for each part.
    pub fn lines(&self) -> [String; 3] {
        [
            format!("processor: {}, {} cores, {} GiB of memory", self.cpu, self.cores, self.memory),
            format!("system: {}, kernel {}", self.system, self.kernel),
            format!("compiler: {}", self.compiler),
        ]
    }
}

/// Load average over one minute; 0 where the system does not report it.
pub fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or_default()
}

/// Output of a command that is killed after 30 seconds.
///
/// # Errors
/// When it cannot be started, or is killed.
pub fn output(command: &mut Command) -> anyhow::Result<Output> {
    let name = command.get_program().display().to_string();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.as_mut().map_err(|error| anyhow::anyhow!("cannot start {name}: {error}"))?;
    fn reader(pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<std::io::Result<Vec<u8>>> {
        std::thread::spawn(move || {
            let (mut pipe, mut bytes) = (pipe, vec![]);
            pipe.read_to_end(&mut bytes).map(|_| bytes)
        })
    }
    let stdout = reader(child.stdout.take().context("no output")?);
    let stderr = reader(child.stderr.take().context("no output")?);
    let deadline = Instant::now() + CHILD_LIMIT;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            bail!("{name} was killed: it still ran after {} s", CHILD_LIMIT.as_secs());
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let bytes = |reader: std::thread::JoinHandle<std::io::Result<Vec<u8>>>| {
        reader.join().map_err(|_| anyhow::anyhow!("the reader of {name} panicked"))
    };
    Ok(Output { status, stdout: bytes(stdout)??, stderr: bytes(stderr)?? })
}

/// The commit of the repository, with `-dirty` if files have changed; empty without git.
pub(super) fn commit() -> String {
    let mut git = Command::new("git");
    git.current_dir(Path::new(env!("CARGO_MANIFEST_DIR"))).args(["describe", "--always", "--dirty", "--abbrev=12"]);
    output(git.arg("--exclude=*"))
        .map_or_else(|_| String::new(), |said| String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

/// Processor time that programs other than this one and its children used, in ticks of 10 ms.
pub struct Others {
    started: std::time::Instant,
    ticks: u64,
}

impl Others {
    /// Begins to watch. `None` where the system does not report it.
    pub fn watch() -> Option<Self> {
        Some(Self { started: std::time::Instant::now(), ticks: ticks()? })
    }

    /// Cores that others used on average since it began.
    pub fn cores(&self) -> Option<f64> {
        let seconds = self.started.elapsed().as_secs_f64();
        Some(ticks()?.saturating_sub(self.ticks) as f64 / TICKS_PER_SECOND / seconds.max(0.1))
    }
}

/// Ticks of all processors that were neither idle nor ours.
fn ticks() -> Option<u64> {
    let all = fs::read_to_string("/proc/stat").ok()?;
    let own = fs::read_to_string("/proc/self/stat").ok()?;
    Some(busy(&all)?.saturating_sub(of_process(&own)?))
}

/// User, nice, system, interrupts and stolen time of the first line of `/proc/stat`.
fn busy(stat: &str) -> Option<u64> {
    let fields: Vec<u64> =
        stat.lines().next()?.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    [0, 1, 2, 5, 6, 7].iter().map(|&field| fields.get(field).copied()).sum()
}

/// User and system time of a process and of its children that have been waited for.
fn of_process(stat: &str) -> Option<u64> {
    // The name before the last parenthesis may contain anything.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().skip(11).take(4).map(|field| field.parse::<u64>().ok()).sum()
}

/// The value of a line `name = value`.
fn field(file: &str, name: &str, separator: char) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let mut fields = text.lines().filter_map(|line| line.split_once(separator));
    let (_, value) = fields.find(|(key, _)| key.trim() == name)?;
    Some(value.trim().trim_matches('"').to_owned())
}

/// How long a child process of the suite may run.
pub const CHILD_LIMIT: Duration = Duration::from_secs(30);

/// What Linux reports processor time in.
const TICKS_PER_SECOND: f64 = 100.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_is_not_busy_and_stolen_time_is() {
        assert_eq!(busy("cpu  1 2 4 1000 1000 8 16 32 0 0\ncpu0 ..."), Some(63));
        assert_eq!(busy(""), None);
    }

    #[test]
    fn time_of_a_process_includes_its_children() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 1 2 4 8 20 0 1 0";
        assert_eq!(of_process(stat), Some(15));
    }

    #[test]
    fn output_of_a_command_is_read_to_its_end() {
        let found = output(Command::new("sh").args(["-c", "head -c 300000 /dev/zero; echo odd >&2; exit 3"])).unwrap();
        assert_eq!((found.stdout.len(), &*found.stderr, found.status.code()), (300_000, &b"odd\n"[..], Some(3)));
        let error = output(&mut Command::new("no-such-program")).unwrap_err().to_string();
        assert!(error.starts_with("cannot start no-such-program"), "{error}");
    }

    #[test]
    fn same_hardware_with_another_kernel_is_the_same_machine() {
        let here = Machine::this();
        here.ensure_same(&Machine { kernel: "0".into(), ..here.clone() }).unwrap();
        let other = Machine { cpu: "another".into(), ..here.clone() };
        assert!(here.ensure_same(&other).unwrap_err().to_string().starts_with("the runs are from different machines"));
    }
}
