//! Main inside an event loop that is not ours: a tokio task gives it a turn whenever its waker is woken, while other tasks
//! go on.
//!
//! ```text
//! cargo run --release --example tokio
//! ```

use coincide::{Main, Turn};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::time::{Instant, interval, sleep};

/// Serves the workers of `main` for ever.
async fn serve(main: &Main) -> std::io::Result<()> {
    let mut timer = pin!(sleep(Duration::ZERO));
    poll_fn(|context| {
        main.set_waker(Some(context.waker().clone()))?;
        match main.turn(Duration::from_millis(1)) {
            Turn::More => context.waker().wake_by_ref(),
            Turn::Idle { timeout: Some(timeout) } => {
                timer.as_mut().reset(Instant::now() + timeout);
                if timer.as_mut().poll(context).is_ready() {
                    context.waker().wake_by_ref();
                }
            }
            Turn::Idle { timeout: None } => {}
        }
        Poll::Pending
    })
    .await
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        let main = Main::new()?;
        let worker = main.spawn(|scope| {
            let slept: u64 = scope.sync().call("sleep", (20_u64,))?;
            scope.export("slept", move || slept);
            Ok(())
        })?;
        // An asynchronous function of main uses tokio as any other task does: the worker waits, tokio goes on.
        worker.register_async("sleep", |milliseconds: u64| async move {
            sleep(Duration::from_millis(milliseconds)).await;
            milliseconds
        });
        let mut ticks = interval(Duration::from_millis(5));
        let ticker = async {
            loop {
                ticks.tick().await;
                println!("tokio ticks");
            }
        };
        let conversation = async {
            worker.ready().await?;
            let slept: u64 = worker.proxy().call("slept", ()).await?;
            println!("the worker was blocked for {slept} ms in a function of main");
            Ok::<(), Box<dyn std::error::Error>>(())
        };
        tokio::select! {
            result = conversation => result,
            result = serve(&main) => Ok(result?),
            () = ticker => unreachable!("ticks never end"),
        }
    })
}
