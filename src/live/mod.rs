//! Where running cars, clouds and links are found by those who want to look at them or tell them something, without a
//! path being typed.
//!
//! Each has a socket of its own name, such as `car-PID.sock`, in one directory that only its user can read:
//! `$XDG_RUNTIME_DIR/turbo`, or `/tmp/turbo-UID` where that variable is not set. It takes the commands of the control
//! socket, and subscriptions.

mod find;
mod serve;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub use find::{Found, choose, is_target, of_run};
pub use serve::{LiveSockets, NoCommands};

/// What the name of a socket ends with.
const SUFFIX: &str = ".sock";

/// The directory of the sockets; it may not be there yet.
pub fn directory() -> PathBuf {
    directory_of(std::env::var_os("XDG_RUNTIME_DIR"), user())
}

/// The user that this process acts for.
fn user() -> u32 {
    // SAFETY: a plain system call without pointers, which cannot fail.
    unsafe { libc::geteuid() }
}

fn directory_of(runtime: Option<OsString>, uid: u32) -> PathBuf {
    // The base directory specification has relative paths ignored.
    match runtime.map(PathBuf::from).filter(|dir| dir.is_absolute()) {
        Some(dir) => dir.join("turbo"),
        None => Path::new("/tmp").join(format!("turbo-{uid}")),
    }
}

/// What others say and are called must not steer somebody's terminal.
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() { shown.extend(character.escape_default()) } else { shown.push(character) }
    }
    shown
}
