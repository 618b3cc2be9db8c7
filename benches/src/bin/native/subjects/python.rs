//! A worker in another language: `proto/python`, which is written from the specification alone.

use std::process::Command;
use std::sync::OnceLock;

use ::coincide::Main;
use anyhow::bail;
use coincide_benches::report::{Batch, Kind, output};

use super::{Subject, coincide};
use crate::case::{Case, Ends};
use crate::child::Caller;
use crate::cores::{self, End};
use crate::measure::{Meter, Plan};

/// A process that runs `python.py`, which measures by itself.
pub(crate) struct Python;

impl Subject for Python {
    fn name(&self) -> &'static str {
        "python"
    }

    fn about(&self) -> &'static str {
        "`coincide-value`, whose worker is a process in Python that implements the protocol by itself"
    }

    fn kind(&self) -> Kind {
        Kind::Coincide
    }

    fn takes(&self, case: &Case) -> bool {
        case.ends == Ends::Processes
    }

    fn missing(&self) -> Option<&'static str> {
        missing()
    }

    fn run_threads(&self, _case: &Case, _meter: &mut Meter) -> anyhow::Result<()> {
        bail!("Python runs in a process of its own");
    }

    fn run_processes(&self, case: &Case, plan: &Plan) -> anyhow::Result<Batch> {
        let core = cores::core(case, End::Caller)?;
        let mut command = python("benches/src/bin/native/subjects/python.py");
        command.args([serde_json::to_string(case)?, serde_json::to_string(plan)?, serde_json::to_string(&core)?]);
        let main = Main::new()?;
        let start = |command: &mut Command| Ok(main.worker().spawn_process(command)?);
        let (worker, caller) = Caller::start_other(command, start)?;
        coincide::serve(&worker);
        main.block_on(worker.ready())?;
        worker.terminate();
        caller.batch()
    }
}

/// Python with a script of this repository.
fn python(script: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg(format!("{}/../{script}", env!("CARGO_MANIFEST_DIR")));
    command
}

/// Why this machine has no Python that can be a worker, if it has none.
fn missing() -> Option<&'static str> {
    static MISSING: OnceLock<Option<String>> = OnceLock::new();
    let missing = MISSING.get_or_init(|| {
        let found = output(&mut python("proto/python/shared.py"));
        let why = match found {
            Ok(found) if found.status.success() => return None,
            Ok(found) => String::from_utf8_lossy(&found.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        Some(format!("`python3` does not run `proto/python`, whose README lists what it needs: {why}"))
    });
    missing.as_deref()
}
