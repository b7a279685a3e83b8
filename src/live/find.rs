//! Which running process is meant.

use std::fmt::Write;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use telemetry::run_clock::local_timestamp;
use telemetry::subscribe::Who;

use super::{SUFFIX, directory};
use crate::control::Client;
use crate::failure::Failure;

/// A process answers this at once, unless it is stopped.
const PATIENCE: Duration = Duration::from_secs(1);

/// A running process, or what is left of one.
#[derive(Debug)]
pub struct Found {
    /// Its socket.
    pub path: PathBuf,
    /// What it is called: `car-`, `cloud-` or `link-` and its number.
    pub name: String,
    /// What it says of itself; `None` where it is there and says nothing.
    pub who: Option<Who>,
}

/// What can be running.
const PROGRAMS: [&str; 3] = ["car", "cloud", "link"];

/// The process that `target` means: its name, its number, `car`, `cloud` or `link`, its run directory or one above, or
/// the path of its socket. Without a target it is the only car, or else the only process.
///
/// # Errors
/// [`Failure::Usage`] where several could be meant, with a list of them; [`Failure::Run`] where none is.
pub fn choose(target: Option<&str>, verb: &str) -> Result<Found, Failure> {
    if let Some(path) = target.map(Path::new) {
        if is_socket(path) {
            return Ok(look(path.to_owned()));
        }
        if looks_like_a_path(path)
            && let Err(error) = path.symlink_metadata()
        {
            return Err(Failure::Run(format!(
                "{}: {error}; expected the path of a socket, which a car or link has that runs with --control, or a run \
                 directory",
                path.display()
            )));
        }
    }
    let running = all(&directory());
    choose_from(running, target, verb)
}

/// Whether `word` says which process is meant, where it could also be the first word of something to be told to one: no
/// command has such a name.
pub fn is_target(word: &str) -> bool {
    let is_number = |text: &str| text.parse::<u32>().is_ok();
    let (program, number) = word.split_once('-').map_or((word, None), |(program, number)| (program, Some(number)));
    let is_name = PROGRAMS.contains(&program) && number.is_none_or(is_number);
    is_name || is_number(word) || looks_like_a_path(Path::new(word)) || is_socket(Path::new(word))
}

fn looks_like_a_path(word: &Path) -> bool {
    word.as_os_str().as_encoded_bytes().contains(&b'/')
}

fn is_socket(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.file_type().is_socket())
}

/// The process whose run directory is `dir`, or one below it.
///
/// # Errors
/// [`Failure::Usage`] where there are several of them.
pub fn of_run(dir: &Path, verb: &str) -> Result<Option<Found>, Failure> {
    let mut running = all(&directory());
    running.retain(|found| is_run(found, dir));
    match running.len() {
        0 => Ok(None),
        _ => choose_from(running, None, verb).map(Some),
    }
}

pub(super) fn choose_from(running: Vec<Found>, target: Option<&str>, verb: &str) -> Result<Found, Failure> {
    let (mut meant, others): (Vec<Found>, Vec<Found>) =
        running.into_iter().partition(|found| target.is_none_or(|target| is_meant(found, target)));
    // A cloud is not what somebody means who names nothing, if there is a car; nor is one that is stopped.
    let preferred: [fn(&Found) -> bool; 3] = [|found| is_car(found) && found.who.is_some(), is_car, |_| true];
    let choice = preferred.into_iter().find(|preferred| meant.iter().any(preferred));
    let places = choice.map(|preferred| places_of(&meant, preferred)).unwrap_or_default();
    match places.as_slice() {
        [place] => Ok(meant.swap_remove(*place)),
        [] => Err(Failure::Run(nobody(target, &others))),
        [first, ..] => {
            let name = meant.get(*first).map(|found| found.name.clone()).unwrap_or_default();
            let list = list(&meant);
            Err(Failure::Usage(format!("several could be meant; name one, such as turbo {verb} {name}:\n{list}")))
        }
    }
}

fn nobody(target: Option<&str>, others: &[Found]) -> String {
    let wanted = target.map_or_else(|| " runs".to_owned(), |target| format!(" is called {target:?}"));
    let dir = directory();
    if others.is_empty() {
        return format!("no car, cloud or link{wanted} (none is in {}); start one, such as turbo demo", dir.display());
    }
    format!("no car, cloud or link{wanted}; there are\n{}", list(others))
}

fn places_of(meant: &[Found], wanted: fn(&Found) -> bool) -> Vec<usize> {
    meant.iter().enumerate().filter(|(_, found)| wanted(found)).map(|(place, _)| place).collect()
}

fn is_car(found: &Found) -> bool {
    found.name.starts_with("car-")
}

fn is_meant(found: &Found, target: &str) -> bool {
    let (program, pid) = found.name.rsplit_once('-').unwrap_or((&found.name, ""));
    [found.name.as_str(), program, pid].contains(&target) || is_run(found, Path::new(target))
}

fn is_run(found: &Found, dir: &Path) -> bool {
    let run = found.who.as_ref().and_then(|who| who.run_dir.as_deref()).and_then(|run| run.canonicalize().ok());
    run.zip(dir.canonicalize().ok()).is_some_and(|(run, dir)| dir.is_dir() && run.starts_with(dir))
}

fn list(running: &[Found]) -> String {
    let mut text = String::new();
    for found in running {
        // Writing into a `String` cannot fail.
        let _ = match &found.who {
            Some(who) => writeln!(
                text,
                "  {:<14} since {}  {}",
                found.name,
                local_timestamp(who.started_unix_s).unwrap_or_default(),
                who.run_dir.as_deref().map(|dir| dir.display().to_string()).unwrap_or_default()
            ),
            None => {
                writeln!(text, "  {:<14} does not answer: it is stopped, or all its connections are taken", found.name)
            }
        };
    }
    text.truncate(text.trim_end().len());
    text
}

/// Every process that listens in `dir`.
pub(super) fn all(dir: &Path) -> Vec<Found> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_socket()))
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(SUFFIX))
        .collect();
    paths.sort();
    let listens = |path: &PathBuf| {
        !std::os::unix::net::UnixStream::connect(path)
            .is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
    };
    paths.into_iter().filter(listens).map(look).collect()
}

fn look(path: PathBuf) -> Found {
    let who = Client::connect_with(&path, PATIENCE).and_then(|mut client| client.send("who")).ok().flatten();
    let who: Option<Who> = who.filter(|answer| answer.ok).and_then(|answer| serde_json::from_str(&answer.said).ok());
    let named = || path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = who.as_ref().map_or_else(named, Who::name);
    Found { path, name, who }
}
