//! The documentation shows the program that browsers run.

#[test]
fn documentation_shows_smallest_program_and_worker_script() {
    let page = include_str!("../../../docs/get-started/rust.md");
    let (_, program) = include_str!("../src/hello.rs").split_once("\n\n").unwrap();
    assert!(page.contains(&format!("```rust,ignore\n{program}```")), "it shows another program than src/hello.rs");
    let script = include_str!("../workers/hello.js");
    assert!(page.contains(&format!("```js\n{script}```")), "it shows another script than workers/hello.js");
}
