//! Programs of their own that some verbs are, so that `turbo` itself is built without what they alone need: like git's
//! subcommands, they stand beside it, or are built from its sources.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;

/// The source tree that this program was built from; it may be gone where the program was copied elsewhere.
const SOURCE: &str = env!("CARGO_MANIFEST_DIR");

/// A program that is a verb.
#[derive(Clone, Copy, Debug)]
pub struct Companion {
    /// The program, and its package.
    pub program: &'static str,
    /// What a first build is told to be for, and how long it takes.
    pub why: &'static str,
}

impl Companion {
    /// Becomes the program: its exit code and output are the verb's.
    ///
    /// # Errors
    /// [`Failure::Run`] where there is no such program and none can be built.
    pub fn run(&self, words: &[OsString]) -> Result<(), Failure> {
        let own = std::env::current_exe().map_err(|error| Failure::Run(format!("who am I? {error}")))?;
        let program = self.find(&own, Path::new(SOURCE))?;
        let error = Command::new(&program).args(words).exec();
        Err(Failure::Run(format!("cannot run {}: {error}", program.display())))
    }

    /// The program: built or brought up to date where this one lies in the build folder of its source tree, because a
    /// stale one would be other code than it is taken for; else the one beside `own`.
    fn find(&self, own: &Path, source: &Path) -> Result<PathBuf, Failure> {
        let program = self.program;
        let beside = own.with_file_name(program);
        let built_here = source.join("Cargo.toml").is_file();
        let target = own.parent().and_then(Path::parent).filter(|target| target.starts_with(source));
        match target {
            Some(target) if built_here => self.build(source, target),
            _ if beside.is_file() => Ok(beside),
            _ if built_here => self.build(source, &source.join("target")),
            _ => Err(Failure::Run(format!(
                "{} is not there, and neither is the source tree {} to build it from; put {program} beside turbo, or \
                 run `cargo build --release -p {program}` in the sources",
                beside.display(),
                source.display()
            ))),
        }
    }

    fn build(&self, source: &Path, target: &Path) -> Result<PathBuf, Failure> {
        let name = self.program;
        let program = target.join("release").join(name);
        if !program.is_file() {
            eprintln!("turbo: building {name} once, {}", self.why);
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--release", "--quiet", "--package", name, "--target-dir"])
            .arg(target)
            .current_dir(source)
            // `cargo run` sets it for a package with a build script, and s2n-quic-platform would be built anew for it.
            .env_remove("OUT_DIR")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status();
        match built {
            Ok(status) if status.success() => Ok(program),
            Ok(status) => Err(Failure::Run(format!("{name} could not be built: cargo ended with {status}"))),
            Err(error) => Err(Failure::Run(format!("{name} could not be built: cargo did not start: {error}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPANION: Companion = Companion { program: "turbo-companion", why: "for a test" };

    #[test]
    fn the_program_beside_this_one_is_taken_where_there_is_no_source() {
        let folder = tempfile::tempdir().expect("a folder");
        let beside = folder.path().join(COMPANION.program);
        std::fs::write(&beside, "").expect("written");
        let found = COMPANION.find(&folder.path().join("turbo"), &folder.path().join("no-source"));
        assert_eq!(found.expect("beside"), beside);
    }

    #[test]
    fn without_program_and_source_the_error_names_both() {
        let folder = tempfile::tempdir().expect("a folder");
        let error =
            COMPANION.find(&folder.path().join("turbo"), &folder.path().join("no-source")).expect_err("nothing there");
        let text = error.to_string();
        assert!(
            text.contains(COMPANION.program) && text.contains("no-source") && text.contains("cargo build"),
            "{text}"
        );
        assert_eq!(error.exit_code(), 1);
    }

    #[test]
    fn a_tree_that_does_not_build_is_an_error_and_not_an_old_program() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("Cargo.toml"), "[package]\nname = \"other\"\nversion = \"0.0.0\"\n")
            .expect("written");
        let release = folder.path().join("target/release");
        std::fs::create_dir_all(&release).expect("made");
        std::fs::write(release.join(COMPANION.program), "").expect("written");
        let error = COMPANION.find(&release.join("turbo"), folder.path()).expect_err("no such package");
        assert!(error.to_string().contains("could not be built"), "{error}");
    }
}
