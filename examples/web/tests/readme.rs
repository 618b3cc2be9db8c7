//! The README shows the program that browsers run.

#[test]
fn the_readme_has_the_smallest_program_and_the_script_of_its_worker() {
    let readme = include_str!("../../../README.md");
    let (_, program) = include_str!("../src/hello.rs").split_once("\n\n").unwrap();
    assert!(readme.contains(&format!("```rust,ignore\n{program}```")), "it shows another program than src/hello.rs");
    let script = include_str!("../workers/hello.js");
    assert!(readme.contains(&format!("```js\n{script}```")), "it shows another script than workers/hello.js");
}
