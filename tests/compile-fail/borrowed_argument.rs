fn register(worker: &coincide::Worker) {
    worker.register("hello", |name: &str| name.len());
}

fn main() {}
