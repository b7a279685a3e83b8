//! `turbo bench`: runs `turbo-bench`, the program that holds the measurements and the peers they need, so that `turbo`
//! itself is built without those.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;

/// The program and its package.
const PROGRAM: &str = "turbo-bench";

/// The source tree that this program was built from; it may be gone where the program was copied elsewhere.
const SOURCE: &str = env!("CARGO_MANIFEST_DIR");

/// Measure the hand-overs beside what one would otherwise use, or soak them with faults.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example: turbo bench hop --calls 100000 --json\n`turbo bench hop --help` tells what hop takes."
)]
pub struct BenchArgs {
    /// What to run (hop, frame, soak, transport or telemetry) and its own arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "NAME [ARGS]")]
    pub words: Vec<OsString>,
}

/// Becomes `turbo-bench`: its exit code and output are the verb's.
///
/// # Errors
/// [`Failure::Run`] where there is no such program and none can be built.
pub fn run(args: &BenchArgs) -> Result<(), Failure> {
    let own = std::env::current_exe().map_err(|error| Failure::Run(format!("who am I? {error}")))?;
    let program = find(&own, Path::new(SOURCE))?;
    let error = Command::new(&program).args(&args.words).exec();
    Err(Failure::Run(format!("cannot run {}: {error}", program.display())))
}

/// The program: built or brought up to date where this one lies in the build folder of its source tree, because a
/// stale one would measure other code than it is taken for; else the one beside `own`.
fn find(own: &Path, source: &Path) -> Result<PathBuf, Failure> {
    let beside = own.with_file_name(PROGRAM);
    let built_here = source.join("Cargo.toml").is_file();
    let target = own.parent().and_then(Path::parent).filter(|target| target.starts_with(source));
    match target {
        Some(target) if built_here => build(source, target),
        _ if beside.is_file() => Ok(beside),
        _ if built_here => build(source, &source.join("target")),
        _ => Err(Failure::Run(format!(
            "{} is not there, and neither is the source tree {} to build it from; put {PROGRAM} beside turbo, or run \
             `cargo build --release -p {PROGRAM}` in the sources",
            beside.display(),
            source.display()
        ))),
    }
}

fn build(source: &Path, target: &Path) -> Result<PathBuf, Failure> {
    let program = target.join("release").join(PROGRAM);
    if !program.is_file() {
        eprintln!("turbo: building {PROGRAM} once, with the peers it compares turbo with (a minute or two)");
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--package", PROGRAM, "--target-dir"])
        .arg(target)
        .current_dir(source)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status();
    match built {
        Ok(status) if status.success() => Ok(program),
        Ok(status) => Err(Failure::Run(format!("{PROGRAM} could not be built: cargo ended with {status}"))),
        Err(error) => Err(Failure::Run(format!("{PROGRAM} could not be built: cargo did not start: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_beside_this_one_is_taken_where_there_is_no_source() {
        let folder = tempfile::tempdir().expect("a folder");
        let beside = folder.path().join(PROGRAM);
        std::fs::write(&beside, "").expect("written");
        let found = find(&folder.path().join("turbo"), &folder.path().join("no-source"));
        assert_eq!(found.expect("beside"), beside);
    }

    #[test]
    fn without_program_and_source_the_error_names_both() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = find(&folder.path().join("turbo"), &folder.path().join("no-source")).expect_err("nothing there");
        let text = error.to_string();
        assert!(text.contains(PROGRAM) && text.contains("no-source") && text.contains("cargo build"), "{text}");
        assert_eq!(error.exit_code(), 1);
    }

    #[test]
    fn a_tree_that_does_not_build_is_an_error_and_not_an_old_measurement() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("Cargo.toml"), "[package]\nname = \"other\"\nversion = \"0.0.0\"\n")
            .expect("written");
        let release = folder.path().join("target/release");
        std::fs::create_dir_all(&release).expect("made");
        std::fs::write(release.join(PROGRAM), "").expect("written");
        let error = find(&release.join("turbo"), folder.path()).expect_err("no such package");
        assert!(error.to_string().contains("could not be built"), "{error}");
    }
}
