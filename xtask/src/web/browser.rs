//! Browsers without a driver: started on a page with a fresh profile, ended when the page is done.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Context;
use process_wrap::std::{ChildWrapper, CommandWrap};

use crate::process;
use crate::workspace::Workspace;

/// A kind of browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Browser {
    Chromium,
    Firefox,
}

impl Browser {
    pub(crate) const ALL: [Self; 2] = [Self::Chromium, Self::Firefox];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
        }
    }

    /// The program, if it is installed.
    pub(crate) fn find(self, workspace: &Workspace) -> Option<String> {
        let names: &[&str] = match self {
            Self::Chromium => &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
            Self::Firefox => &["firefox", "firefox-esr"],
        };
        let there = |name: &&&str| {
            let mut command = workspace.command(name);
            command.arg("--version");
            process::succeeds(command)
        };
        names.iter().find(there).map(|name| (*name).to_owned())
    }

    /// The program; on Debian and its kin root has it installed if it isn't there.
    ///
    /// # Errors
    /// The reason to skip what needs it.
    pub(crate) fn find_or_install(self, workspace: &Workspace) -> Result<String, String> {
        if let Some(program) = self.find(workspace) {
            return Ok(program);
        }
        let package = match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox-esr",
        };
        let mut id = workspace.command("id");
        id.arg("-u");
        let root = id.output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
        let mut apt = workspace.command("apt-get");
        apt.arg("--version");
        if !root || !process::succeeds(apt) {
            return Err(format!(
                "{} is not installed: install it, such as by `sudo apt install {package}`",
                self.name()
            ));
        }
        let mut update = workspace.command("apt-get");
        update.args(["update", "--quiet"]);
        let mut install = workspace.command("apt-get");
        install.args(["install", "--yes", "--quiet", "--no-install-recommends", package]);
        install.env("DEBIAN_FRONTEND", "noninteractive");
        // Lists may be missing or old; whether that matters shows when installing.
        let _ = process::run(update, INSTALL);
        process::run(install, INSTALL).map_err(|error| format!("{package} cannot be installed: {error:#}"))?;
        self.find(workspace).ok_or_else(|| format!("{package} was installed and cannot be started"))
    }

    /// Opens a page without showing it. The browser ends when the result is dropped.
    pub(super) fn open(self, program: &str, address: &str) -> anyhow::Result<Window> {
        let number = PROFILES.fetch_add(1, Ordering::Relaxed);
        let profile = std::env::temp_dir().join(format!("coincide-{}-{}-{number}", self.name(), std::process::id()));
        std::fs::create_dir_all(&profile).context("no folder for a profile")?;
        let mut command = Command::new(program);
        match self {
            Self::Chromium => command
                .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
                .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
                // Nobody looks at the page: it must not be treated as one in the background.
                .args(["--disable-renderer-backgrounding", "--disable-background-timer-throttling"])
                .arg(format!("--user-data-dir={}", profile.display())),
            Self::Firefox => command.args(["--headless", "--no-remote", "--profile"]).arg(&profile),
        };
        // Firefox refuses to start in the home of another user.
        command.env("HOME", &profile);
        command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut group = CommandWrap::from(command);
        #[cfg(unix)]
        group.wrap(process_wrap::std::ProcessGroup::leader());
        #[cfg(windows)]
        group.wrap(process_wrap::std::JobObject);
        let child = group.spawn().with_context(|| format!("cannot start {program}"))?;
        Ok(Window { child, profile })
    }
}

/// A browser that runs.
pub(super) struct Window {
    child: Box<dyn ChildWrapper>,
    profile: PathBuf,
}

impl Drop for Window {
    fn drop(&mut self) {
        let _ = self.child.start_kill();
        let _ = self.child.wait();
        // Helpers of the browser may write for a moment longer; what is then left lies in the folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

/// Tells profiles of this process apart.
static PROFILES: AtomicU32 = AtomicU32::new(0);

const INSTALL: Duration = Duration::from_secs(600);
