//! Runs the command line: run, print the error, exit code.

fn main() {}
