//! One vocabulary for changing a link: in a script, while it runs, and from the command line.

mod error;
mod parse;
mod words;

use std::net::IpAddr;
use std::path::Path;

use super::path::Change;
pub use error::{CommandError, CommandProblem};
pub(super) use parse::command;
pub(super) use parse::duration;
pub(super) use words::{Word, Words};

/// Which directions a change is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ways {
    /// From the clients to the server.
    Up,
    /// From the server to the clients.
    Down,
    /// Up and down alike.
    Both,
}

impl Ways {
    /// What errors call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "uplink",
            Self::Down => "downlink",
            Self::Both => "both ways",
        }
    }

    /// Whether it is for the uplink.
    #[must_use]
    pub const fn up(self) -> bool {
        matches!(self, Self::Up | Self::Both)
    }

    /// Whether it is for the downlink.
    #[must_use]
    pub const fn down(self) -> bool {
        matches!(self, Self::Down | Self::Both)
    }
}

/// Gives every client a new socket towards the server, which sees it come from a new port (and address), as when a NAT
/// has forgotten a mapping. What the server sends to the old one from then on is dropped in silence, as by a NAT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rebind {
    /// The local address to send from; the one that the route to the server gives where it is `None`.
    pub from: Option<IpAddr>,
}

/// Something a running link can be told.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// A direction gets a new property.
    Change(Ways, Change),
    /// The address translation forgets.
    Rebind(Rebind),
}

/// The whole vocabulary, for help texts.
pub const VOCABULARY: &str = "\
WAY is up (clients to server), down or both; FRACTION is 0.01 or 1%; TIME has a unit: 250us, 20ms, 1.5s, 2m, 1h
  rate WAY MBIT/S             constant rate; at 0 nothing passes
  trace WAY FILE              recorded trace, one line per 1500-byte delivery opportunity, in ms
  queue WAY KB                drop-tail queue before the bottleneck, kilobytes (1000 bytes)
  delay WAY TIME              propagation delay
  jitter WAY TIME             the most that is added to it at random; never reorders
  loss WAY FRACTION           packets lost, each on its own
  burst WAY FRACTION PACKETS  packets lost in bursts of so many on average
  reorder WAY FRACTION TIME   packets held back for so long, so that others overtake
  duplicate WAY FRACTION      packets that arrive twice
  corrupt WAY FRACTION        packets that arrive with one byte changed
  blackout WAY on|off         nothing passes; packets wait in the queue
  rebind [IP]                 NAT rebinding: the server sees every client at a new port (and address IP)";

impl Command {
    /// Reads one command, such as `rate up 3` or `burst both 2% 8`; relative trace files are looked for in `folder`.
    ///
    /// # Errors
    /// Names the column, the text found there and what would be right.
    ///
    /// ```
    /// use transport::link::{Change, Command, Ways};
    /// use std::{path::Path, time::Duration};
    /// let delay = Command::parse("delay both 20ms", Path::new("."))?;
    /// assert_eq!(delay, Command::Change(Ways::Both, Change::Delay(Duration::from_millis(20))));
    /// let error = Command::parse("delay sideways 20ms", Path::new(".")).unwrap_err();
    /// assert_eq!(error.to_string(), "column 7: \"sideways\" is no direction; up, down or both is wanted");
    /// # Ok::<(), transport::link::CommandError>(())
    /// ```
    pub fn parse(text: &str, folder: &Path) -> Result<Self, CommandError> {
        parse::command(&mut Words::of(text), folder)
    }
}

#[cfg(test)]
mod tests;
