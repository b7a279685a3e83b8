//! `turbo-report`: the program behind `turbo report`.
fn main() {}
