//! The commands that every live process takes: who it is, and subscriptions, which a thread of their own serves.

use std::io::{ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rt_core::clock::Monotonic;
use telemetry::subscribe::{Hub, Subscription, Wants};

use super::Reply;

/// How soon it is seen, where nothing happens, that a subscriber has gone.
const LOOK: Duration = Duration::from_millis(500);
/// A subscriber that takes nothing for so long is stopped, or as good as that. The end of a run waits as long for others.
const STUCK: Duration = Duration::from_millis(250);

/// Answers `command`, if it is one of these.
pub(super) fn asked(hub: &Hub, command: &str) -> Result<Option<Reply>, String> {
    let (verb, words) = command.trim().split_once(char::is_whitespace).unwrap_or((command.trim(), ""));
    match verb {
        "who" if !words.trim().is_empty() => Err(format!("who has nothing after it; {words:?} is too much")),
        "who" => serde_json::to_string(&hub.who()).map(|who| Some(Reply::Said(who))).map_err(|error| error.to_string()),
        "subscribe" => {
            let (what, words) = words.trim().split_once(char::is_whitespace).unwrap_or((words.trim(), ""));
            let wants = match what {
                "events" => {
                    Wants::Events(words.parse().map_err(|error: telemetry::subscribe::FilterError| error.to_string())?)
                }
                "snapshots" if words.trim().is_empty() => Wants::Pictures,
                "snapshots" => return Err(format!("{words:?} is too much; subscribe snapshots has nothing after it")),
                _ => {
                    let shown: String = what.chars().take(40).collect();
                    return Err(format!(
                        "{shown:?} is nothing to subscribe to; expected events, with filters, or snapshots"
                    ));
                }
            };
            let subscription = hub.subscribe(wants).map_err(|error| error.to_string())?;
            Ok(Some(Reply::Stream(Box::new(subscription))))
        }
        _ => Ok(None),
    }
}

/// Writes what comes, until the run is over or nobody is there to read it. What the subscriber says meanwhile is not
/// read. One that does not read keeps this thread and nobody else: its queue loses what it has no room for.
pub(super) fn serve(mut stream: &UnixStream, mut subscription: Subscription) -> std::io::Result<()> {
    stream.write_all(b"ok\n")?;
    stream.set_write_timeout(Some(STUCK))?;
    let mut lines = String::new();
    while subscription.read(Monotonic::now().plus(LOOK), &mut lines) {
        if lines.is_empty() && has_gone(stream) {
            break;
        }
        write(stream, lines.as_bytes(), &subscription)?;
        lines.clear();
    }
    Ok(())
}

/// Writes all of it, however long that takes, and says of the subscriber meanwhile whether it takes anything.
fn write(mut stream: &UnixStream, mut bytes: &[u8], subscription: &Subscription) -> std::io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => {
                subscription.set_stuck(false);
                bytes = bytes.get(count..).unwrap_or_default();
            }
            Err(error) => match error.kind() {
                ErrorKind::Interrupted => {}
                ErrorKind::WouldBlock | ErrorKind::TimedOut => subscription.set_stuck(true),
                _ => return Err(error),
            },
        }
    }
    Ok(())
}

/// Whether the other end is closed. One that has only said that it will not speak any more may still read.
fn has_gone(stream: &UnixStream) -> bool {
    let mut looked = [PollFd::new(stream.as_fd(), PollFlags::empty())];
    let found = poll(&mut looked, PollTimeout::ZERO);
    let gone = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
    found.is_ok_and(|count| count > 0) && looked.iter().any(|fd| fd.revents().is_some_and(|seen| seen.intersects(gone)))
}
