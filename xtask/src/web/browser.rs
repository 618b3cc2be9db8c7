//! Browsers without a driver: started on a page with a fresh profile, ended when the page is done.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::process::{self, Beside};
use crate::workspace::Workspace;

/// A kind of browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Browser {
    Chromium,
    Firefox,
    WebKit,
}

impl Browser {
    pub(crate) const ALL: [Self; 3] = [Self::Chromium, Self::Firefox, Self::WebKit];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
            Self::WebKit => "webkit",
        }
    }

    /// The program, if it is installed.
    fn find(self, workspace: &Workspace) -> Option<String> {
        let names: &[&str] = match self {
            Self::Chromium => &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
            Self::Firefox => &["firefox", "firefox-esr"],
            Self::WebKit => return mini_browser().filter(|_| has_display_server()),
        };
        let there = |name: &&&str| {
            let mut command = workspace.command(name);
            command.arg("--version");
            process::succeeds(command)
        };
        names.iter().find(there).map(|name| (*name).to_owned())
    }

    /// Name and version that the program prints.
    pub(crate) fn version(self, workspace: &Workspace, program: &str) -> String {
        let mut command = workspace.command(program);
        // MiniBrowser needs a display even for this.
        let display = if self == Self::WebKit { display_server().ok() } else { None };
        if let Some((_, name)) = &display {
            command.env("DISPLAY", name);
        }
        command.arg("--version");
        process::output(command).filter(|said| !said.is_empty()).unwrap_or_else(|| self.name().to_owned())
    }

    /// The program. On Debian and its derivatives, root installs it if it is missing.
    ///
    /// # Errors
    /// The reason to skip what needs it.
    pub(crate) fn find_or_install(self, workspace: &Workspace) -> Result<String, String> {
        if let Some(program) = self.find(workspace) {
            return Ok(program);
        }
        let packages: &[&str] = match self {
            Self::Chromium => &["chromium"],
            Self::Firefox => &["firefox-esr"],
            // The driver depends on the library, which contains MiniBrowser.
            Self::WebKit => &["webkit2gtk-driver", "xvfb"],
        };
        let names = packages.join(" ");
        let mut id = workspace.command("id");
        id.arg("-u");
        let root = process::output(id).as_deref() == Some("0");
        let mut apt = workspace.command("apt-get");
        apt.arg("--version");
        if !root || !process::succeeds(apt) {
            return Err(format!("{} is not installed: install it, such as by `sudo apt install {names}`", self.name()));
        }
        let mut update = workspace.command("apt-get");
        update.args(["update", "--quiet"]);
        let mut install = workspace.command("apt-get");
        install.args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(packages);
        install.env("DEBIAN_FRONTEND", "noninteractive");
        // Lists may be missing or old. The installation then fails if they are needed.
        let _ = process::run(update, INSTALL);
        process::run(install, INSTALL).map_err(|error| format!("{names} cannot be installed: {error:#}"))?;
        self.find(workspace).ok_or_else(|| format!("{} was not found after installing {names}", self.name()))
    }

    /// Each browser with its program, or with the reason for its absence. Installs missing ones as root on Debian.
    pub(crate) fn all(workspace: &Workspace) -> [(Self, Result<String, String>); 3] {
        Self::ALL.map(|browser| (browser, browser.find_or_install(workspace)))
    }

    /// The first installed browser, otherwise the first one that can be installed.
    pub(crate) fn any(workspace: &Workspace) -> Option<(Self, String)> {
        let installed = Self::ALL.into_iter().find_map(|browser| Some((browser, browser.find(workspace)?)));
        let get = |browser: Self| Some((browser, browser.find_or_install(workspace).ok()?));
        installed.or_else(|| Self::ALL.into_iter().find_map(get))
    }

    /// Opens a page without showing it. The browser ends when the result is dropped. `program` is a command and its first arguments.
    pub(super) fn open(self, program: &[&str], address: &str) -> anyhow::Result<Window> {
        let number = PROFILES.fetch_add(1, Ordering::Relaxed);
        let profile = std::env::temp_dir().join(format!("coincide-{}-{}-{number}", self.name(), std::process::id()));
        std::fs::create_dir_all(&profile).context("no folder for a profile")?;
        let mut command = Command::new(program[0]);
        command.args(&program[1..]);
        let mut display = None;
        match self {
            Self::Chromium => command
                .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
                .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
                // Without a visible window, the page must not be throttled as one in the background.
                .args(["--disable-renderer-backgrounding", "--disable-background-timer-throttling"])
                // The benches hide their page behind another tab.
                .arg("--disable-popup-blocking")
                // Measurements of memory resolve at once, not after the next collection of garbage.
                .arg("--enable-blink-features=ForceEagerMeasureMemory")
                // Tests collect garbage to count what remains.
                .arg("--js-flags=--expose-gc")
                .arg("--enable-logging=stderr")
                .arg(format!("--user-data-dir={}", profile.display())),
            Self::Firefox => {
                std::fs::write(profile.join("user.js"), PREFERENCES).context("no preferences for the profile")?;
                command.args(["--headless", "--no-remote", "--profile"]).arg(&profile)
            }
            Self::WebKit => {
                let (server, name) = display_server()?;
                display = Some(server);
                command
                    .arg("--enable-write-console-messages-to-stdout=true")
                    .arg("--javascript-can-open-windows-automatically=true")
                    // Its processes for pages read the variable, not `--display`.
                    .env("DISPLAY", name)
                    .env("JSC_useSharedArrayBuffer", if is_isolated(address) { "1" } else { "0" })
                    // As root there is no sandbox.
                    .env("WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS", "1")
                    .env("XDG_RUNTIME_DIR", &profile)
                    .env_remove("WAYLAND_DISPLAY")
            }
        };
        // Firefox refuses to start in the home of another user.
        command.env("HOME", &profile);
        command.arg(address).stdin(Stdio::null());
        Ok(Window { browser: process::start(command, profile)?, _display: display })
    }

    /// The error in a line of the browser's output that no page or worker has caught.
    pub(super) fn uncaught(self, line: &str) -> Option<&str> {
        match self {
            // [697:697:1123/082956.690:INFO:CONSOLE:1] "Uncaught Error: ...", source: http://... (1)
            Self::Chromium => {
                let (_, text) = line.split_once(":CONSOLE")?.1.split_once("] \"")?;
                text.starts_with("Uncaught").then_some(text)
            }
            // JavaScript error: http://..., line 4: Error: ...
            Self::Firefox => line.strip_prefix("JavaScript error: ").filter(|text| text.starts_with("http")),
            // http://...:4:51: CONSOLE JS ERROR Error: ...
            Self::WebKit => line.find("CONSOLE JS ERROR ").map(|_| line),
        }
    }
}

/// Whether a page is cross-origin isolated, by headers or by itself. WebKitGTK isolates it, but unlike Safari it does not provide
/// `SharedArrayBuffer` then.
fn is_isolated(address: &str) -> bool {
    !address.contains("/plain/") || ["/coi/", "/isolating/", "/front/"].iter().any(|own| address.contains(own))
}

/// An open browser.
pub(super) struct Window {
    pub(super) browser: Beside,
    /// The server of its display; it ends after the browser.
    _display: Option<Beside>,
}

/// MiniBrowser of WebKitGTK, installed beside the library.
fn mini_browser() -> Option<String> {
    let folders = ["/usr/lib", "/usr/libexec", "/usr/lib64"].into_iter().map(PathBuf::from);
    let nested =
        folders.clone().filter_map(|folder| folder.read_dir().ok()).flatten().flatten().map(|entry| entry.path());
    let mut found = Vec::new();
    for folder in folders.chain(nested) {
        for version in ["webkit2gtk-4.1", "webkit2gtk-4.0"] {
            found.push(folder.join(version).join("MiniBrowser"));
        }
    }
    found.into_iter().find(|path| path.is_file()).map(|path| path.to_string_lossy().into_owned())
}

fn has_display_server() -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(DISPLAY_SERVER).is_file()))
}

/// Starts a virtual display on a free number. Returns it with its name.
fn display_server() -> anyhow::Result<(Beside, String)> {
    let number = PROFILES.fetch_add(1, Ordering::Relaxed);
    let scratch = std::env::temp_dir().join(format!("coincide-display-{}-{number}", std::process::id()));
    let mut command = Command::new(DISPLAY_SERVER);
    command.args(["-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp"]).stdin(Stdio::null());
    let server = process::start(command, scratch)?;
    let deadline = Instant::now() + DISPLAY;
    while let Ok(line) = server.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        if let Ok(number) = line.trim().parse::<u32>() {
            return Ok((server, format!(":{number}")));
        }
    }
    bail!("{DISPLAY_SERVER} opened no display within {} s", DISPLAY.as_secs())
}

const DISPLAY_SERVER: &str = "Xvfb";

/// Time limit for opening a display.
const DISPLAY: Duration = Duration::from_secs(20);

/// Numbers the profiles of this process.
static PROFILES: AtomicU32 = AtomicU32::new(0);

/// Firefox prints the console of its pages, and makes no requests of its own.
const PREFERENCES: &str = r#"
user_pref("devtools.console.stdout.content", true);
user_pref("browser.dom.window.dump.enabled", true);
user_pref("dom.disable_open_during_load", false);
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
    fn shared_memory_of_webkit_follows_the_isolation_of_the_page() {
        for (path, isolated) in [
            ("web/tests/index.html?brief", true),
            ("index.html?filter=inc", true),
            ("plain/site/coi/app/page.html", true),
            ("plain/faults/isolating/page.html", true),
            ("plain/front/tests.html", true),
            ("plain/web/tests/plain.html", false),
            ("plain/site/relay.html", false),
            ("plain/index.html?filter=inc", false),
        ] {
            assert_eq!(is_isolated(&format!("http://127.0.0.1:1/{path}")), isolated, "{path}");
        }
    }

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
        let line = "http://127.0.0.1:1/index.html:4:51: CONSOLE JS ERROR Error: late";
        assert_eq!(Browser::WebKit.uncaught(line), Some(line));
        let line = "CONSOLE JS ERROR Unhandled Promise Rejection: Error: late";
        assert_eq!(Browser::WebKit.uncaught(line), Some(line));
        assert_eq!(Browser::WebKit.uncaught("http://127.0.0.1:1/index.html:4:51: CONSOLE ERROR a log"), None);
        assert_eq!(Browser::Firefox.uncaught("JavaScript error: resource://gre/x.mjs, line 1: Error: own"), None);
    }
}
