//! Running commands in process groups of their own, so that whatever hangs is ended with all that it started.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use process_wrap::std::{ChildWrapper, CommandWrap};

use crate::report::DIM;

/// Runs the command with our own output; standard error shows it as one would type it.
///
/// # Errors
/// When it cannot be started, exits with another status than 0, or is killed for running longer than `limit`.
pub(crate) fn run(command: Command, limit: Duration) -> anyhow::Result<()> {
    supervise(command, limit, None)
}

/// Runs the command and hands each line of its standard output to `on_line`, which echoes what is to be seen.
///
/// # Errors
/// As [`run`]; also when it exits but leaves a process behind that keeps its output open.
pub(crate) fn stream(command: Command, limit: Duration, mut on_line: impl FnMut(&str)) -> anyhow::Result<()> {
    supervise(command, limit, Some(&mut on_line))
}

/// Standard output of the command, without whitespace around it, if it exits with status 0 within half a minute. Nothing is shown.
pub(crate) fn output(mut command: Command) -> Option<String> {
    command.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null());
    spawn(command).ok()?;
    let mut lines = Vec::new();
    let mut keep = |line: &str| lines.push(line.to_owned());
    let status = wait(SHORT, Some(&mut keep)).ok()?;
    status.success().then(|| lines.join("\n").trim().to_owned())
}

/// Whether the command exits with status 0 within half a minute; its output goes nowhere.
pub(crate) fn succeeds(mut command: Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    spawn(command).is_ok() && matches!(wait(SHORT, None), Ok(status) if status.success())
}

/// Starts the command beside those that run one after the other.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn start(mut command: Command, scratch: PathBuf) -> anyhow::Result<Beside> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let (sender, lines) = channel();
    let mut all = beside();
    let mut child = group(command)?;
    if let Some(output) = child.stdout().take() {
        forward_lines(output, sender.clone());
    }
    if let Some(output) = child.stderr().take() {
        forward_lines(output, sender);
    }
    let id = child.id();
    all.push((child, scratch));
    Ok(Beside { lines, id })
}

/// A command that runs beside others. It ends, with all that it has started, when this is dropped or our process is
/// interrupted; its scratch folder goes with it.
pub(crate) struct Beside {
    /// What it prints, to either output.
    pub(crate) lines: Receiver<String>,
    /// Of its process.
    id: u32,
}

impl Beside {
    /// How it has ended, if it has by itself.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        beside().iter_mut().find(|(child, _)| child.id() == self.id)?.0.try_wait().ok().flatten()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let mut all = beside();
        if let Some(at) = all.iter().position(|(child, _)| child.id() == self.id) {
            let (mut child, scratch) = all.swap_remove(at);
            end(&mut child, &scratch);
        }
    }
}

/// Makes an interrupt or a termination of this process end the running commands' groups first.
pub(crate) fn kill_on_interrupt() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        // Both held until the exit: nothing is started in between.
        let mut running = running();
        let mut beside = beside();
        if let Some(child) = running.as_mut() {
            let _ = child.start_kill();
        }
        for (child, scratch) in beside.iter_mut() {
            end(child, scratch);
        }
        std::process::exit(INTERRUPTED);
    })
    .context("cannot listen for interrupts")
}

/// The command as one would type it in the root.
fn shown(command: &Command) -> String {
    let settings = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let settings = settings.filter(|(name, _)| *name != "CARGO_TERM_COLOR");
    let settings = settings.map(|(name, value)| format!("{}={}", name.display(), quoted(&value.to_string_lossy())));
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words = words.map(|word| quoted(&word.to_string_lossy()));
    settings.chain(words).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    if word.is_empty() || word.contains([' ', '"', '$', '*']) { format!("'{word}'") } else { word.to_owned() }
}

fn supervise(mut command: Command, limit: Duration, on_line: Option<&mut dyn FnMut(&str)>) -> anyhow::Result<()> {
    anstream::eprintln!("{DIM}$ {}{DIM:#}", shown(&command));
    if on_line.is_some() {
        command.stdout(Stdio::piped());
    }
    spawn(command)?;
    let status = wait(limit, on_line)?;
    if !status.success() {
        bail!("{status}");
    }
    Ok(())
}

fn spawn(command: Command) -> anyhow::Result<()> {
    let mut running = running();
    *running = Some(group(command)?);
    Ok(())
}

/// Starts the command in a process group of its own.
fn group(command: Command) -> anyhow::Result<Box<dyn ChildWrapper>> {
    let program = command.get_program().display().to_string();
    let mut group = CommandWrap::from(command);
    #[cfg(unix)]
    group.wrap(process_wrap::std::ProcessGroup::leader());
    #[cfg(windows)]
    group.wrap(process_wrap::std::JobObject);
    group.spawn().with_context(|| format!("cannot start {program}"))
}

/// Ends a command and removes its scratch folder, into which its helpers may write for a moment longer.
fn end(child: &mut Box<dyn ChildWrapper>, scratch: &PathBuf) {
    let _ = child.start_kill();
    let _ = child.wait();
    let deadline = Instant::now() + GRACE;
    while std::fs::remove_dir_all(scratch).is_err() && scratch.exists() && Instant::now() < deadline {
        thread::sleep(GLANCE);
    }
}

/// Waits for the running command; it is no longer the running one afterwards.
fn wait(limit: Duration, mut on_line: Option<&mut dyn FnMut(&str)>) -> anyhow::Result<ExitStatus> {
    let mut deadline = Instant::now() + limit;
    let mut lines = running().as_mut().and_then(|child| child.stdout().take()).map(lines_of);
    let mut exited = None;
    let end = loop {
        match lines.as_ref().map(|lines| lines.recv_timeout(GLANCE)) {
            Some(Ok(line)) => {
                if let Some(on_line) = on_line.as_mut() {
                    on_line(&line);
                }
            }
            Some(Err(RecvTimeoutError::Disconnected)) => lines = None,
            Some(Err(RecvTimeoutError::Timeout)) => {}
            None if exited.is_none() => thread::sleep(GLANCE),
            None => {}
        }
        if exited.is_none() {
            exited = running().as_mut().expect("it was started").try_wait()?;
            if exited.is_some() {
                deadline = deadline.min(Instant::now() + GRACE);
            }
        }
        match exited {
            Some(status) if lines.is_none() => break Ok(status),
            Some(_) if Instant::now() > deadline => {
                break Err("it exited but left a process behind that keeps its output open; killed".to_owned());
            }
            None if Instant::now() > deadline => {
                break Err(format!("killed, since it still ran after {} s", limit.as_secs()));
            }
            _ => {}
        }
    };
    let child = running().take();
    end.map_err(|error| {
        if let Some(mut child) = child {
            let _ = child.start_kill();
            let _ = child.wait();
        }
        anyhow::Error::msg(error)
    })
}

fn lines_of(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    forward_lines(output, sender);
    receiver
}

fn forward_lines(output: impl Read + Send + 'static, sender: Sender<String>) {
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            let text = String::from_utf8_lossy(&line);
            if sender.send(text.trim_end_matches(['\n', '\r']).to_owned()).is_err() {
                break;
            }
            line.clear();
        }
    });
}

fn running() -> MutexGuard<'static, Option<Box<dyn ChildWrapper>>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn beside() -> MutexGuard<'static, Vec<(Box<dyn ChildWrapper>, PathBuf)>> {
    BESIDE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The one command that runs now: where an interrupt finds what to end.
static RUNNING: Mutex<Option<Box<dyn ChildWrapper>>> = Mutex::new(None);
/// Those that run beside it, and their scratch folders. A thread that holds both locks has taken that of `RUNNING` first.
static BESIDE: Mutex<Vec<(Box<dyn ChildWrapper>, PathBuf)>> = Mutex::new(Vec::new());

/// How long a command may run that only says something.
const SHORT: Duration = Duration::from_secs(30);
/// Time between two checks of a running command.
const GLANCE: Duration = Duration::from_millis(20);
/// How long the output of a command that has exited may stay open.
const GRACE: Duration = Duration::from_secs(5);
/// The exit status of a shell's command that was interrupted.
const INTERRUPTED: i32 = 130;

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// The commands share one slot, so the cases run one after the other.
    #[test]
    fn commands_end() {
        let mut seen = Vec::new();
        stream(shell("echo one; echo two"), Duration::from_secs(20), |line| seen.push(line.to_owned())).unwrap();
        assert_eq!(seen, ["one", "two"]);

        let error = run(shell("exit 3"), Duration::from_secs(20)).unwrap_err();
        assert_eq!(error.to_string(), "exit status: 3");

        let started = Instant::now();
        let error = stream(shell("sleep 100 & sleep 100"), Duration::from_millis(100), |_| {}).unwrap_err();
        assert!(error.to_string().starts_with("killed"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(20));

        let error = run(Command::new("no-such-program"), Duration::from_secs(20)).unwrap_err();
        assert_eq!(error.to_string(), "cannot start no-such-program");
        assert_eq!(output(shell("echo one; echo odd >&2")).as_deref(), Some("one"));
        assert_eq!(output(shell("echo one; exit 3")), None);
        assert!(succeeds(shell("true")));
        assert!(!succeeds(shell("false")));
    }

    #[test]
    fn command_beside_ends_with_its_scratch_folder() {
        let scratch = std::env::temp_dir().join(format!("coincide-xtask-{}", std::process::id()));
        std::fs::create_dir_all(&scratch).unwrap();
        let mut command = shell("echo $$; echo odd >&2; touch file; sleep 100 & sleep 100");
        command.current_dir(&scratch);
        let beside = start(command, scratch.clone()).unwrap();
        let mut seen: Vec<_> = (0..2).map(|_| beside.lines.recv_timeout(Duration::from_secs(20)).unwrap()).collect();
        seen.sort();
        assert_eq!(seen[1], "odd");
        assert_eq!(beside.ended(), None);
        drop(beside);
        assert!(!scratch.exists());

        let scratch = scratch.with_extension("again");
        let beside = start(shell("exit 3"), scratch).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while beside.ended().is_none() && Instant::now() < deadline {
            thread::sleep(GLANCE);
        }
        assert_eq!(beside.ended().and_then(|status| status.code()), Some(3));
    }

    #[test]
    fn commands_are_shown_as_typed() {
        let mut command = shell("a b");
        command.env("RUSTFLAGS", "--cfg loom");
        assert_eq!(shown(&command), "RUSTFLAGS='--cfg loom' sh -c 'a b'");
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }
}
