//! Both ends in tokio: a task of one runtime drives main, a worker runs in the runtime of another thread, and requests of a
//! server on a third thread call the worker.
//!
//! ```text
//! cargo run --release --example tokio
//! ```

use coincide::{CallError, Detached, Main, SharedProxy, Thrown};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::{interval, sleep};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    runtime()?.block_on(async {
        let main = Main::new()?;
        tokio::select! {
            result = conversations(&main) => result,
            () = main.run() => unreachable!("there is a handle of main"),
            () = ticks() => unreachable!("ticks never end"),
        }
    })
}

async fn conversations(main: &Main) -> Result<(), Box<dyn std::error::Error>> {
    // A worker on its own thread. It is blocked while main's function awaits; other tasks of tokio run.
    let worker = main.spawn(|scope| {
        let slept: u64 = scope.sync().call("sleep", (20_u64,))?;
        scope.export("slept", move || slept);
        Ok(())
    })?;
    worker.register_async("sleep", |milliseconds: u64| async move {
        sleep(Duration::from_millis(milliseconds)).await;
        milliseconds
    });
    let slept: u64 = worker.proxy().call("slept", ()).await?;
    println!("the worker was blocked for {slept} ms in a function of main");

    // Tasks on other threads, such as the handlers of a web server, call workers by shared proxies.
    let renderer = main.spawn(|scope| {
        let template = "<p>Hello, ";
        scope.export("render", move |name: String| format!("{template}{name}"));
        Ok(())
    })?;
    let pages = tokio::task::spawn_blocking({
        let proxy = renderer.shared_proxy();
        move || serve_requests(&proxy)
    });
    for page in pages.await?? {
        println!("a request was answered with {}", page?);
    }

    // A worker in an event loop. Its exports run beside other tasks.
    let (worker, detached) = main.worker().name("io").detached()?;
    let thread = serve_in_tokio(detached);
    worker.register("log", |line: String| println!("{line}"));
    let (first, second) = tokio::join!(
        worker.proxy().call::<u64>("rest", (30_u64,)), // both at the same time
        worker.proxy().call::<u64>("rest", (20_u64,)),
    );
    println!("two exports have rested for {} ms", first? + second?);
    worker.terminate();
    let closed = thread.join().map_err(|_| "the worker's thread has panicked")??;
    println!("the worker has left its loop: {closed}");
    Ok(())
}

/// Answers three requests concurrently, each in its own task.
fn serve_requests(proxy: &SharedProxy) -> std::io::Result<Vec<Result<String, CallError>>> {
    runtime()?.block_on(async {
        let names = ["tokio", "axum", "hyper"];
        let tasks = names.map(|name| tokio::spawn(handle_request(proxy.clone(), name.to_owned())));
        let mut pages = Vec::new();
        for task in tasks {
            pages.push(task.await?);
        }
        Ok(pages)
    })
}

/// A handler of a web framework with shared state.
async fn handle_request(proxy: SharedProxy, name: String) -> Result<String, CallError> {
    proxy.with_timeout(Duration::from_secs(5)).call("render", (name,)).await
}

/// Runs a worker inside the runtime of another thread until its link is closed.
fn serve_in_tokio(detached: Detached) -> JoinHandle<std::io::Result<String>> {
    std::thread::spawn(|| {
        runtime()?.block_on(async {
            let driver = detached.attach();
            let main = driver.scope().proxy();
            driver.scope().export_async("rest", move |milliseconds: u64| {
                let main = main.clone();
                async move {
                    sleep(Duration::from_millis(milliseconds)).await;
                    main.call::<()>("log", (format!("an export has rested for {milliseconds} ms"),)).await?;
                    Ok::<_, Thrown>(milliseconds)
                }
            });
            driver.scope().ready().map_err(std::io::Error::other)?;
            let closed = driver.run().await;
            Ok(format!("{:?} by {:?}", closed.reason, closed.by))
        })
    })
}

async fn ticks() {
    let mut ticks = interval(Duration::from_millis(5));
    loop {
        ticks.tick().await;
        println!("tokio ticks");
    }
}

fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_time().build()
}
