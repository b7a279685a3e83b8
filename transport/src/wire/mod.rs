//! The wire protocol `turbo/1`: what car and cloud say to each other, byte for byte (see `docs/wire.md`).
//!
//! Fixed structures are little-endian and unaligned ([`frame`], [`result`]); control messages are length-prefixed
//! ([`control`]). Every decoder takes any bytes without a panic, allocates no more than a stated limit, and says which
//! field was wrong.

pub mod control;
pub mod cursor;
pub mod datagram;
pub mod frame;
pub mod identity;
pub mod layout;
pub mod menu;
pub mod result;
pub(crate) mod stream;

/// The application protocol negotiated in the TLS handshake.
pub const ALPN: &[u8] = b"turbo/1";
/// The protocol version in `Hello`; a peer with another is refused with a reason.
pub const VERSION: u16 = 1;
/// The largest payload any frame may have, bytes; a gateway may be configured lower.
pub const MAX_FRAME_BYTES: u32 = 50_000_000;
/// The largest control message, bytes, without its 4-byte length.
pub const MAX_CONTROL_BYTES: usize = 65_536;
/// The most models in a menu.
pub const MAX_MODELS: usize = 64;
/// The most class names of one model.
pub const MAX_CLASSES: usize = 256;
/// The longest name (model, class, identity, refusal reason), bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 255;
/// The largest width or height of an image, pixels.
pub const MAX_SIDE: u16 = 16_384;

/// A connection silent for this long is over, at both ends; long before, at 1.2 s, its peer takes it for dead. A car
/// whose path comes back within a minute goes on with the connection it had.
pub const IDLE: std::time::Duration = std::time::Duration::from_secs(75);

/// Application error codes of QUIC resets and closes.
pub mod code {
    /// An orderly end.
    pub const DONE: u32 = 0;
    /// The car gave the frame up: it cannot arrive by its deadline.
    pub const STALE: u32 = 1;
    /// The peer broke the protocol.
    pub const PROTOCOL: u32 = 2;
    /// `Hello` was refused; the reason went over the control stream before.
    pub const REFUSED: u32 = 3;
    /// A newer connection of the same car took over.
    pub const REPLACED: u32 = 4;
}

/// Why bytes are not a message of this protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The bytes end before the message does.
    #[error("{what}: {have} bytes where at least {need} are needed")]
    Truncated {
        /// The structure or field being read.
        what: &'static str,
        /// Bytes needed.
        need: usize,
        /// Bytes there are.
        have: usize,
    },
    /// A number is outside its range.
    #[error("{what} is {value}, outside {low} to {high}")]
    OutOfRange {
        /// The field.
        what: &'static str,
        /// What it held.
        value: u64,
        /// Smallest allowed value.
        low: u64,
        /// Largest allowed value.
        high: u64,
    },
    /// A tag has no meaning in this version.
    #[error("{what} {value} is unknown to protocol turbo/1")]
    Unknown {
        /// The field.
        what: &'static str,
        /// What it held.
        value: u64,
    },
    /// A text is not UTF-8.
    #[error("{what} is not UTF-8")]
    NotUtf8 {
        /// The field.
        what: &'static str,
    },
    /// A floating-point number is not finite.
    #[error("{what} is not a finite number")]
    NotFinite {
        /// The field.
        what: &'static str,
    },
    /// Bytes are left after the message's end.
    #[error("{count} bytes are left after the end of the {what} message")]
    Trailing {
        /// The message.
        what: &'static str,
        /// How many bytes.
        count: usize,
    },
    /// An identity does not have the form `car/<name>/<uuid>`.
    #[error("identity {text:?}: {reason}; expected car/<name>/<uuid>")]
    Identity {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// Checks that `value` is within `low..=high`.
pub(crate) fn in_range(what: &'static str, value: u64, low: u64, high: u64) -> Result<(), WireError> {
    if (low..=high).contains(&value) { Ok(()) } else { Err(WireError::OutOfRange { what, value, low, high }) }
}

#[cfg(test)]
mod tests;
