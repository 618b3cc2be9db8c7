//! Browsers without a driver: started on a page with a fresh profile, ended when the page is done.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Context;

use crate::process::{self, Beside};
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
    fn find(self, workspace: &Workspace) -> Option<String> {
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

    /// What the program says that it is.
    pub(crate) fn version(self, workspace: &Workspace, program: &str) -> String {
        let mut command = workspace.command(program);
        let output = command.arg("--version").output();
        let said = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        said.ok().filter(|said| !said.is_empty()).unwrap_or_else(|| self.name().to_owned())
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

    /// Each browser with its program, or with the reason why there is none. Root on Debian has missing ones installed.
    pub(crate) fn all(workspace: &Workspace) -> [(Self, Result<String, String>); 2] {
        Self::ALL.map(|browser| (browser, browser.find_or_install(workspace)))
    }

    /// The first browser that is installed; if none is, the first one that can be installed.
    pub(crate) fn any(workspace: &Workspace) -> Option<(Self, String)> {
        let installed = Self::ALL.into_iter().find_map(|browser| Some((browser, browser.find(workspace)?)));
        let get = |browser: Self| Some((browser, browser.find_or_install(workspace).ok()?));
        installed.or_else(|| Self::ALL.into_iter().find_map(get))
    }

    /// Opens a page without showing it. The browser ends when the result is dropped. `program` is a command and its first arguments.
    pub(super) fn open(self, program: &[&str], address: &str) -> anyhow::Result<Beside> {
        let number = PROFILES.fetch_add(1, Ordering::Relaxed);
        let profile = std::env::temp_dir().join(format!("coincide-{}-{}-{number}", self.name(), std::process::id()));
        std::fs::create_dir_all(&profile).context("no folder for a profile")?;
        let mut command = Command::new(program[0]);
        command.args(&program[1..]);
        match self {
            Self::Chromium => command
                .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
                .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
                // Nobody looks at the page: it must not be treated as one in the background.
                .args(["--disable-renderer-backgrounding", "--disable-background-timer-throttling"])
                // A page that measures memory has the answer at once, and not after the next collection of garbage.
                .arg("--enable-blink-features=ForceEagerMeasureMemory")
                // Tests collect garbage when they want to know what is left.
                .arg("--js-flags=--expose-gc")
                .arg("--enable-logging=stderr")
                .arg(format!("--user-data-dir={}", profile.display())),
            Self::Firefox => {
                std::fs::write(profile.join("user.js"), PREFERENCES).context("no preferences for the profile")?;
                command.args(["--headless", "--no-remote", "--profile"]).arg(&profile)
            }
        };
        // Firefox refuses to start in the home of another user.
        command.env("HOME", &profile);
        command.arg(address).stdin(Stdio::null());
        process::start(command, profile)
    }

    /// What a line of the browser's output says of an error that nothing on our pages or their workers has caught.
    pub(super) fn uncaught(self, line: &str) -> Option<&str> {
        match self {
            // [697:697:1123/082956.690:INFO:CONSOLE:1] "Uncaught Error: ...", source: http://... (1)
            Self::Chromium => {
                let (_, text) = line.split_once(":CONSOLE")?.1.split_once("] \"")?;
                text.starts_with("Uncaught").then_some(text)
            }
            // JavaScript error: http://..., line 4: Error: ...
            Self::Firefox => line.strip_prefix("JavaScript error: ").filter(|text| text.starts_with("http")),
        }
    }
}

/// Tells profiles of this process apart.
static PROFILES: AtomicU32 = AtomicU32::new(0);

/// Firefox says what its pages say, and does nothing of its own accord.
const PREFERENCES: &str = r#"
user_pref("devtools.console.stdout.content", true);
user_pref("browser.dom.window.dump.enabled", true);
user_pref("toolkit.telemetry.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("app.normandy.enabled", false);
user_pref("app.update.enabled", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.newtabpage.enabled", false);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
"#;

const INSTALL: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uncaught_errors_are_found() {
        let line =
            r#"[7:7:1123/082956.6:INFO:CONSOLE:4] "Uncaught Error: late", source: http://127.0.0.1/index.html (4)"#;
        let found = Browser::Chromium.uncaught(line);
        assert_eq!(found, Some(r#"Uncaught Error: late", source: http://127.0.0.1/index.html (4)"#));
        assert_eq!(Browser::Chromium.uncaught(r#"[7:7:1123/082956.6:INFO:CONSOLE:4] "a log", source: x (4)"#), None);
        assert_eq!(Browser::Chromium.uncaught("[7:7:1123/082956.6:ERROR:dbus/bus.cc:405] Failed"), None);
        let line = "JavaScript error: http://127.0.0.1:1/index.html, line 4: Error: late";
        assert_eq!(Browser::Firefox.uncaught(line), Some("http://127.0.0.1:1/index.html, line 4: Error: late"));
        assert_eq!(Browser::Firefox.uncaught("JavaScript error: resource://gre/x.mjs, line 1: Error: own"), None);
    }
}
