//! A worker calls main synchronously, and main awaits the worker: first a thread, then a process. Then round trips
//! are measured.
//!
//! ```text
//! cargo run --release --example workers
//! ```

use coincide::{Main, Scope, Thrown, Worker};
use std::process::Command;
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In a process started by `spawn_process`, serves main and returns `true` at the end.
    let setup = if std::env::args().nth(1).as_deref() == Some("hello") { hello } else { compute };
    if coincide::serve_process(setup)? {
        return Ok(());
    }
    let main = Main::new()?;
    println!("Workers in threads:");
    greet(&main, &main.spawn(hello)?)?;
    await_computation(&main, &main.worker().name("computation").spawn(compute)?)?;

    if cfg!(target_os = "linux") {
        println!("Workers in processes:");
        let program = std::env::current_exe()?;
        greet(&main, &main.worker().spawn_process(Command::new(&program).arg("hello"))?)?;
        await_computation(&main, &main.worker().name("computation").spawn_process(&mut Command::new(program))?)?;
    }
    measure(&main)
}

/// In the worker: calls main, and blocks until the result arrives.
fn hello(scope: &Scope) -> Result<(), Thrown> {
    let greeting: String = scope.sync().call("hello", ("PyScript",))?;
    scope.sync().call::<()>("log", (greeting,))?;
    Ok(())
}

/// On main: registers the functions that the worker calls.
fn greet(main: &Main, worker: &Worker) -> Result<(), Box<dyn std::error::Error>> {
    worker.register("hello", |name: String| format!("Hello, {name}"));
    worker.register("log", |line: String| println!("{line}"));
    main.block_on(worker.ready())?;
    worker.terminate();
    Ok(())
}

/// In the worker: reports that it runs, and exports a function.
fn compute(scope: &Scope) -> Result<(), Thrown> {
    scope.sync().call::<()>("greetings", ())?;
    scope.export("heavy_computation", || 6 * 7);
    Ok(())
}

/// On main: waits until the worker is ready, and for the result of the function.
fn await_computation(main: &Main, worker: &Worker) -> Result<(), Box<dyn std::error::Error>> {
    worker.register("greetings", || println!("worker bootstrapped"));
    main.block_on(async {
        println!("before ready");
        worker.ready().await?;
        println!("after ready");
        let result: i32 = worker.proxy().call("heavy_computation", ()).await?;
        println!("{result}");
        worker.terminate();
        Ok(())
    })
}

/// Measures round trips per second: hot, when the next call follows at once, and cold, when main sleeps in between.
fn measure(main: &Main) -> Result<(), Box<dyn std::error::Error>> {
    let worker = main.spawn(|scope| {
        let sync = scope.sync();
        scope.export("hot", move |calls: u64| {
            let start = Instant::now();
            for k in 0..calls {
                sync.call::<u64>("inc", (k,))?;
            }
            Ok::<f64, Thrown>(calls as f64 / start.elapsed().as_secs_f64())
        });
        let sync = scope.sync();
        scope.export("cold", move |calls: u64| {
            let mut busy = Duration::ZERO;
            for k in 0..calls {
                std::thread::sleep(Duration::from_micros(200));
                let start = Instant::now();
                sync.call::<u64>("inc", (k,))?;
                busy += start.elapsed();
            }
            Ok::<f64, Thrown>(calls as f64 / busy.as_secs_f64())
        });
        Ok(())
    })?;
    worker.register("inc", |k: u64| k + 1);
    main.block_on(async {
        worker.proxy().call::<f64>("hot", (100_000_u64,)).await?;
        let hot: f64 = worker.proxy().call("hot", (500_000_u64,)).await?;
        let cold: f64 = worker.proxy().call("cold", (2_000_u64,)).await?;
        println!("{hot:.0} round trips per second while main polls busily ({:.2} µs each)", 1e6 / hot);
        println!("{cold:.0} round trips per second when main sleeps before each ({:.2} µs each)", 1e6 / cold);
        Ok(())
    })
}
