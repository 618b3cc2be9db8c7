//! Misused macros and methods are refused with errors that a person can read.

#[test]
fn errors_are_readable() {
    trybuild::TestCases::new().compile_fail("tests/compile-fail/*.rs");
}
