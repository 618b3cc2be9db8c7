//! Duration of a typed call in Rust: `inc(k)`, from the worker to the page and back.

use coincide::{Main, SyncProxy, Thrown, interface, serve_script};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

interface! {
    /// Functions of the page.
    mod counter {
        fn inc(number: u32) -> u32;
    }
}

interface! {
    /// Functions of the worker.
    mod meter {
        /// Samples in nanoseconds a call. Each is the mean of a batch that is long enough for the browser's clock.
        fn samples(plan: super::Plan) -> Vec<f64>;
    }
}

/// Durations and number of samples of a measurement.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Plan {
    /// Duration of the warm-up in milliseconds.
    warm_up: f64,
    /// Duration of the measurement in milliseconds.
    batch: f64,
    /// Minimum number of samples.
    samples: u32,
}

/// Measures in a new worker. Resolves with samples of a round trip in nanoseconds. Arguments are in milliseconds.
#[wasm_bindgen(js_name = roundTrips)]
pub async fn round_trips(script: &str, warm_up: f64, batch: f64, samples: u32) -> Result<Vec<f64>, JsError> {
    let main = Main::new()?;
    spawn_local(main.run());
    let worker = main.worker().name("meter").spawn_script(script)?;
    worker.register_interface(counter::functions(Counter));
    Ok(meter::Client::new(worker.proxy()).samples(Plan { warm_up, batch, samples }).await?)
}

/// Called by the worker's script with its first message.
#[wasm_bindgen(js_name = meterWorker)]
pub fn worker(boot: &JsValue) -> Result<(), JsError> {
    Ok(serve_script(boot, |scope| {
        scope.export_interface(meter::functions(Meter(counter::Client::new(scope.sync()))));
        Ok(())
    })?)
}

struct Counter;

impl counter::Service for Counter {
    fn inc(&self, number: u32) -> Result<u32, Thrown> {
        Ok(number.wrapping_add(1))
    }
}

struct Meter(counter::Client<SyncProxy>);

impl Meter {
    /// Makes this number of calls. Returns their duration in milliseconds.
    fn time(&self, calls: u32) -> Result<f64, Thrown> {
        let start = now();
        for number in 0..calls {
            if self.0.inc(number)? != number + 1 {
                return Err(Thrown::new("Error", "the page can't count"));
            }
        }
        Ok(now() - start)
    }
}

impl meter::Service for Meter {
    fn samples(&self, plan: Plan) -> Result<Vec<f64>, Thrown> {
        let start = now();
        while now() - start < plan.warm_up {
            self.time(1)?;
        }
        let mut samples = Vec::new();
        let (start, mut calls) = (now(), 1);
        while samples.len() < plan.samples as usize || now() - start < plan.batch {
            let took = self.time(calls)?;
            if took < SAMPLE {
                calls *= 2;
            } else {
                samples.push(took * 1e6 / f64::from(calls));
            }
        }
        Ok(samples)
    }
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
}

/// Minimum duration of a sample in milliseconds: many steps of the clock.
const SAMPLE: f64 = 0.25;
