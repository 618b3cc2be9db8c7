//! Compile errors of misused macros and methods.

#[test]
fn compile_errors_name_the_mistake() {
    trybuild::TestCases::new().compile_fail("tests/compile-fail/*.rs");
}
