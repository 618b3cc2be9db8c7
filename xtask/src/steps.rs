//! The steps of `cargo xtask test`: one function each, every one runnable alone with `--only`.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use cargo_metadata::TargetKind;

use crate::bench;
use crate::docs;
use crate::libtest;
use crate::process;
use crate::release;
use crate::report::{Tally, say};
use crate::tools;
use crate::web::{self, Host};
use crate::workspace::Workspace;

/// A group of checks with a name.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    /// What it checks, for the list of steps.
    pub(crate) about: &'static str,
    pub(crate) run: fn(&Workspace, &mut Tally),
}

/// All steps, the quick and the telling ones first.
pub(crate) const ALL: &[Step] = &[
    Step { name: "fmt", about: "the sources are formatted", run: fmt },
    Step { name: "clippy", about: "no warning from the compiler or clippy", run: clippy },
    Step {
        name: "docs",
        about: "the documentation builds without a warning; its links, programs and commands work",
        run: docs,
    },
    Step { name: "tests", about: "unit, integration and documentation tests", run: tests },
    Step {
        name: "features",
        about: "each published crate builds with every feature alone; no_std holds",
        run: features,
    },
    Step { name: "minimal", about: "the oldest dependencies that the manifests allow are enough", run: minimal },
    Step { name: "examples", about: "each example runs to its end", run: examples },
    Step {
        name: "vectors",
        about: "independent implementations in JavaScript and Python agree with the test vectors",
        run: vectors,
    },
    Step {
        name: WEB,
        about: "the npm package in Node.js, Deno, Bun, Chromium, Firefox and WebKit; the examples in browsers",
        run: web,
    },
    Step {
        name: "bundlers",
        about: "programs with the packed npm package, built by the usual bundlers, in Chromium",
        run: bundlers,
    },
    Step { name: "loom", about: "the rings and the wake-up rule under every interleaving", run: loom },
    Step { name: "miri", about: "the unsafe code of the heap memory", run: miri },
    Step { name: "fuzz", about: "each fuzz target for a few seconds, from the committed corpus", run: fuzz },
    Step {
        name: "benches",
        about: "each native bench of coincide runs once; the page of benches runs once in Node.js and a browser, with its peers",
        run: benches,
    },
    Step { name: "package", about: "every published crate packages, and builds from its package", run: package },
];

fn fmt(workspace: &Workspace, tally: &mut Tally) {
    tally.check("the workspace", process::run(workspace.cargo(["fmt", "--all", "--check"]), SHORT));
    for manifest in APART {
        let command = workspace.cargo(["fmt", "--check", "--manifest-path", manifest]);
        tally.check(manifest, process::run(command, SHORT));
    }
}

fn clippy(workspace: &Workspace, tally: &mut Tally) {
    let main = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    tally.check("the workspace", process::run(workspace.cargo(main), LONG));
    let benches = ["clippy", "--all-targets"].into_iter().chain(WITHOUT_PEERS).chain(["--", "-D", "warnings"]);
    let command = shared(workspace, workspace.cargo(benches));
    tally.check("benches, without the peers", process::run(command, LONG));
}

fn docs(workspace: &Workspace, tally: &mut Tally) {
    let mut command = workspace.cargo(["doc", "--workspace", "--no-deps", "--all-features"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    tally.check("the workspace", process::run(command, LONG));
    let _ = docs::check(workspace, tally);
}

fn tests(workspace: &Workspace, tally: &mut Tally) {
    // Without `--all-targets`: that would leave out the documentation tests.
    let command = workspace.cargo(["test", "--workspace", "--all-features", "--no-fail-fast"]);
    harness("the workspace", command, LONG, tally, libtest::count);
    if let Err(why) = tools::python(workspace) {
        tally.skip("conversations with workers in Python", why);
    }
}

fn features(workspace: &Workspace, tally: &mut Tally) {
    for package in workspace.published() {
        let name = package.name.as_str();
        let library = package.targets.iter().any(|target| target.kind.contains(&TargetKind::Lib));
        let target = if library { "--lib" } else { "--bins" };
        let check = |what: &str, features: &[&str], tally: &mut Tally| {
            let command = ["clippy", "--quiet", target, "--package", name].into_iter();
            let command = command.chain(features.iter().copied()).chain(["--", "-D", "warnings"]);
            tally.check(&format!("{name} {what}"), process::run(workspace.cargo(command), LONG));
        };
        check("without features", &["--no-default-features"], tally);
        for feature in package.features.keys().filter(|feature| *feature != "default") {
            check(&format!("with {feature} alone"), &["--no-default-features", "--features", feature], tally);
        }
        check("with all features", &["--all-features"], tally);
    }
    match tools::rust_target(workspace, NO_STD_TARGET) {
        Ok(()) => {
            for name in NO_STD {
                let command = ["check", "--no-default-features", "--package", name, "--target", NO_STD_TARGET];
                tally.check(&format!("{name} without std"), process::run(workspace.cargo(command), LONG));
            }
        }
        Err(why) => tally.skip(&format!("{} without std", NO_STD.join(", ")), why),
    }
}

fn minimal(workspace: &Workspace, tally: &mut Tally) {
    const WHAT: &str = "the workspace with minimal versions";
    if let Err(why) = tools::nightly(workspace) {
        return tally.skip(WHAT, why);
    }
    let target = workspace.target.join("minimal");
    let lock = target.join("Cargo.lock");
    // Made anew each time, apart from the repository's own.
    let _ = std::fs::remove_file(&lock);
    let mut command = workspace.cargo(["+nightly", "check", "--workspace", "--exclude", "xtask", "--all-features"]);
    command.args(["-Z", "direct-minimal-versions", "--config"]);
    command.arg(format!("resolver.lockfile-path='{}'", lock.display())).env("CARGO_TARGET_DIR", &target);
    let result = process::run(command, LONG);
    if !lock.exists() && result.is_ok() {
        return tally.skip(WHAT, "this nightly cannot keep a lock file elsewhere (`rustup update nightly` helps)");
    }
    tally.check(WHAT, result);
}

fn examples(workspace: &Workspace, tally: &mut Tally) {
    let build = workspace.cargo(["build", "--workspace", "--all-features", "--examples"]);
    let built = process::run(build, LONG);
    let works = built.is_ok();
    tally.check("building them", built);
    if !works {
        return;
    }
    for (package, example) in workspace.examples() {
        let command = workspace.cargo(["run", "--quiet", "--all-features", "--package", package, "--example", example]);
        tally.check(example, process::stream(command, EXAMPLE, |line| say!("{line}")));
    }
}

fn vectors(workspace: &Workspace, tally: &mut Tally) {
    check_vectors(workspace, tally, "node", "proto/vectors/check.mjs", tools::node(workspace));
    check_vectors(workspace, tally, "python3", "proto/python/check.py", tools::python(workspace));
}

fn check_vectors(workspace: &Workspace, tally: &mut Tally, program: &str, script: &str, there: Result<(), String>) {
    if let Err(why) = there {
        return tally.skip(script, why);
    }
    let mut command = workspace.command(program);
    command.arg(script);
    let mut counts = None;
    let result = process::stream(command, SHORT, |line| match libtest::plain_counts(line) {
        // Not echoed: the only line of this form is the report's last.
        Some(found) => counts = Some(found),
        None => say!("{line}"),
    });
    let (passed, failed) = counts.unwrap_or_default();
    tally.passed += passed;
    tally.failed += failed;
    match result {
        Ok(()) if failed > 0 => tally.failures.push(format!("{failed} of {script}, which exited as if none had")),
        Ok(()) if passed == 0 => tally.fail(format!("{script} checked nothing")),
        Ok(()) => {}
        Err(error) if failed > 0 => tally.failures.push(format!("{failed} of {script} ({error})")),
        Err(error) => tally.fail(format!("{script}: {error:#}")),
    }
}

fn web(workspace: &Workspace, tally: &mut Tally) {
    web::test(workspace, tally, &Host::ALL);
}

fn bundlers(workspace: &Workspace, tally: &mut Tally) {
    web::test_bundlers(workspace, tally);
}

fn loom(workspace: &Workspace, tally: &mut Tally) {
    let mut command = workspace.cargo(["test", "--release", "--package", ATOMICS, "--test", "loom"]);
    // A target directory of its own: the flag would make the main one's contents stale.
    command.env("RUSTFLAGS", "--cfg loom").env("CARGO_TARGET_DIR", workspace.target.join("loom"));
    harness("loom", command, LONG, tally, libtest::count);
}

fn miri(workspace: &Workspace, tally: &mut Tally) {
    if let Err(why) = tools::miri(workspace) {
        return tally.skip(ATOMICS, why);
    }
    // What miri cannot run, such as a mapping shared by two processes, is marked so in the tests themselves.
    let mut command = workspace.cargo(["+nightly", "miri", "test", "--package", ATOMICS, "--lib", "--tests"]);
    // Miri's emulation of weak memory fails on words that are plain bytes in the next lap of a ring; orderings are loom's business.
    let flags = "-Zmiri-strict-provenance -Zmiri-symbolic-alignment-check -Zmiri-disable-weak-memory-emulation";
    command.env("MIRIFLAGS", flags);
    harness("miri", command, LONG, tally, libtest::count);
}

fn fuzz(workspace: &Workspace, tally: &mut Tally) {
    if let Err(why) = tools::cargo_fuzz(workspace) {
        return tally.skip("running the fuzz targets (their corpus is replayed by the tests)", why);
    }
    let built = process::run(workspace.cargo(["+nightly", "fuzz", "build"]), LONG);
    let works = built.is_ok();
    tally.check("building the targets", built);
    if !works {
        return;
    }
    let mut targets = Vec::new();
    let list = process::stream(workspace.cargo(["+nightly", "fuzz", "list"]), SHORT, |line| {
        targets.push(line.trim().to_owned());
    });
    if let Err(error) = list {
        return tally.fail(format!("listing the targets: {error:#}"));
    }
    for target in targets {
        // libFuzzer adds what it finds to the first folder, so that the committed corpus stays as it is.
        let found = workspace.target.join("fuzz-corpus").join(&target);
        if let Err(error) = std::fs::create_dir_all(&found) {
            tally.fail(format!("{}: {error}", found.display()));
            continue;
        }
        let mut command = workspace.cargo(["+nightly", "fuzz", "run", &target]);
        command.arg(found).arg(format!("fuzz/corpus/{target}"));
        command.args(["--", "-max_total_time=5", "-timeout=10", "-verbosity=0"]);
        tally.check(&target, process::run(command, SHORT));
    }
}

fn benches(workspace: &Workspace, tally: &mut Tally) {
    let command = ["test", "--all-targets", "--no-fail-fast"].into_iter().chain(WITHOUT_PEERS);
    let command = shared(workspace, workspace.cargo(command));
    harness("benches, without the peers", command, LONG, tally, libtest::count_bench);
    bench::smoke(workspace, tally);
}

fn package(workspace: &Workspace, tally: &mut Tally) {
    let complete = release::incomplete(workspace).and_then(|missing| {
        anyhow::ensure!(missing.is_empty(), "missing: {}", missing.join(", "));
        Ok(())
    });
    tally.check("README and licences of each crate", complete);
    forget_rehearsals(workspace);
    let target = workspace.target.join("rehearsal");
    let _ = std::fs::remove_dir_all(&target);
    let mut command = workspace.cargo(["publish", "--workspace", "--dry-run", "--allow-dirty"]);
    command.env("CARGO_TARGET_DIR", target);
    tally.check("publishing, as a rehearsal", process::run(command, LONG));
}

/// Removes what cargo has unpacked in an earlier rehearsal: it takes crates of the same version for the same crates, and what was
/// compiled of them too.
fn forget_rehearsals(workspace: &Workspace) {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let folders = home.into_iter().flat_map(|home| ["src", "cache"].map(|part| home.join("registry").join(part)));
    let registries = folders.filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let crates = registries.filter_map(|registry| std::fs::read_dir(registry.path()).ok()).flatten().flatten();
    for entry in crates {
        let ours = |package: &cargo_metadata::Package| {
            let name = format!("{}-{}", package.name, package.version);
            entry.file_name().to_str().is_some_and(|file| file == name || file == format!("{name}.crate"))
        };
        if workspace.published().any(ours) {
            let path = entry.path();
            // What can't be removed shows in the rehearsal.
            let _ = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        }
    }
}

/// Runs a command that runs tests, echoes it, and counts each test. A command that fails without a failed test is
/// a failure of its own, and so is one that ran no test.
fn harness(what: &str, command: Command, limit: Duration, tally: &mut Tally, count: fn(&str, &mut Tally)) {
    let result = process::stream(command, limit, |line| {
        say!("{line}");
        count(line, tally);
    });
    match result {
        Err(error) if tally.failed == 0 => tally.fail(format!("{what}: {error:#}")),
        Ok(()) if tally.passed == 0 => tally.fail(format!("{what}: no test ran")),
        _ => {}
    }
}

/// The command with the main target directory, though it builds another workspace.
fn shared(workspace: &Workspace, mut command: Command) -> Command {
    command.env("CARGO_TARGET_DIR", &workspace.target);
    command
}

pub(crate) const WEB: &str = "web";

/// The workspaces outside the main one.
const APART: [&str; 2] = [BENCHES, "fuzz/Cargo.toml"];
const BENCHES: &str = "benches/Cargo.toml";
/// The benches, and what the reports are made with.
const WITHOUT_PEERS: [&str; 5] = ["--manifest-path", BENCHES, "--no-default-features", "--features", "report"];
const ATOMICS: &str = "coincide-transport-atomics";

/// The crates that need an allocator but no operating system.
const NO_STD: [&str; 2] = ["coincide-proto", "coincide-codec"];
/// A target that has no `std` at all.
const NO_STD_TARGET: &str = "wasm32v1-none";

/// For what compiles little.
const SHORT: Duration = Duration::from_secs(120);
/// For what compiles much, or runs many tests, on a slow machine.
const LONG: Duration = Duration::from_secs(1200);
/// For one example, which has been built.
const EXAMPLE: Duration = Duration::from_secs(120);
