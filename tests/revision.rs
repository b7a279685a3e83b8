//! The revision that a release build says it is: the repository's own, marked where the tree is not as it was committed.

#[path = "../build/revision.rs"]
mod revision;

use std::path::Path;
use std::process::Command;

/// Runs git as somebody; false where there is none.
fn git(dir: &Path, arguments: &[&str]) -> bool {
    let somebody = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"];
    Command::new("git").current_dir(dir).args(somebody).args(arguments).output().is_ok_and(|ran| ran.status.success())
}

#[test]
fn a_tree_s_revision_is_its_own_commit_s_and_says_what_is_not_committed() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path();
    if !git(tree, &["init"]) {
        eprintln!("SKIPPED: no git");
        return;
    }
    assert!(revision::of(tree).is_none(), "nothing is committed");
    std::fs::write(tree.join("source"), "1").unwrap();
    assert!(git(tree, &["add", "source"]) && git(tree, &["commit", "-m", "one"]));
    let first = revision::of(tree).unwrap();
    assert!(first.name.len() >= 40 && first.name.chars().all(|digit| digit.is_ascii_hexdigit()), "{}", first.name);
    assert!(!first.watched.is_empty());
    let contents =
        |paths: &[std::path::PathBuf]| paths.iter().map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>();
    let before = contents(&first.watched);
    std::fs::write(tree.join("unknown to git"), "1").unwrap();
    assert_eq!(revision::of(tree).unwrap().name, first.name);
    std::fs::write(tree.join("source"), "2").unwrap();
    assert_eq!(revision::of(tree).unwrap().name, format!("{}-changed", first.name));
    assert!(git(tree, &["commit", "-am", "two"]));
    let second = revision::of(tree).unwrap();
    assert!(second.name.len() == first.name.len() && second.name != first.name, "{}", second.name);
    assert_ne!(contents(&first.watched), before, "a commit is seen by what Cargo watches");
    let unpacked = tree.join("unpacked");
    std::fs::create_dir(&unpacked).unwrap();
    assert!(revision::of(&unpacked).is_none(), "not its own repository");
}
