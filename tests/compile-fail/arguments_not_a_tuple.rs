fn setup(scope: &coincide::Scope) {
    let _: Result<String, _> = scope.sync().call("hello", "PyScript");
}

fn main() {}
