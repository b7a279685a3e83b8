//! Tells the program which revision of the source it is, for the `run.yaml` of its runs.
//!
//! `TURBO_GIT_REVISION` says it where there is no repository to ask, and comes first. Else a release build asks git, if
//! both are there; a build without either is none the worse, and its runs say `null`. Other profiles do not ask: their
//! programs would be compiled anew at each commit, and no experiment is made with them.

mod revision;

use std::path::Path;

/// Cargo's name of what [`option_env`] then reads.
const NAME: &str = "TURBO_GIT_REVISION";
/// What the program is made of: where any of it changes, it is compiled anew anyway.
const SOURCES: [&str; 11] = [
    "Cargo.toml",
    "Cargo.lock",
    "build",
    "src",
    "rt-core",
    "allocation",
    "config",
    "drivers",
    "inference",
    "telemetry",
    "transport",
];

fn main() {
    println!("cargo::rerun-if-env-changed={NAME}");
    let is_told = std::env::var_os(NAME).is_some();
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let Some(root) = std::env::var_os("CARGO_MANIFEST_DIR").filter(|_| is_release && !is_told) else {
        println!("cargo::rerun-if-changed=build");
        return;
    };
    let root = Path::new(&root);
    SOURCES.iter().for_each(|source| println!("cargo::rerun-if-changed={source}"));
    if let Some(revision) = revision::of(root) {
        revision.watched.iter().for_each(|path| println!("cargo::rerun-if-changed={}", path.display()));
        println!("cargo::rustc-env={NAME}={}", revision.name);
    }
}
