//! Messages of the control stream: who the car is, whether it is welcome, what the cloud offers.
//!
//! Each message is a 32-bit little-endian length (of what follows), one byte of type, and the body.

use super::cursor::{Reader, put_name};
use super::identity::Identity;
use super::menu::CloudMenu;
use super::{MAX_CONTROL_BYTES, WireError, in_range};

/// A message of the control stream.
///
/// ```
/// use transport::wire::control::{ControlMessage, decode};
/// let hello = ControlMessage::Hello {
///     version: transport::wire::VERSION,
///     identity: "car/north-1/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e01".parse()?,
///     process: 7,
/// };
/// let bytes = hello.encode();
/// assert_eq!(decode(&bytes[4..])?, hello);
/// # Ok::<(), transport::wire::WireError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlMessage {
    /// Car to cloud, first message of a connection.
    Hello {
        /// Protocol version the car speaks.
        version: u16,
        /// Who it is.
        identity: Identity,
        /// Any number that all connections of this process have in common, and that differs between processes: what
        /// tells a car's next connection from another car of the same identity.
        process: u64,
    },
    /// Cloud to car: welcome, and this is the menu.
    Accepted {
        /// What the cloud serves.
        menu: CloudMenu,
    },
    /// Cloud to car: not welcome; the connection is closed after it.
    Refused {
        /// Why, for a person.
        reason: String,
    },
    /// Cloud to car, about every second: the menu with live execution times.
    Menu {
        /// What the cloud serves now.
        menu: CloudMenu,
    },
    /// Car to cloud, while nothing is acknowledged: any packet of the connection will do to find out that the path is
    /// back, and QUIC's own PING is not sent again while one is unanswered.
    Ping,
}

const HELLO: u8 = 1;
const ACCEPTED: u8 = 2;
const REFUSED: u8 = 3;
const MENU: u8 = 4;
const PING: u8 = 5;

impl ControlMessage {
    /// The message with its length in front, ready for the stream.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![0; 4];
        match self {
            Self::Hello { version, identity, process } => {
                out.push(HELLO);
                out.extend_from_slice(&version.to_le_bytes());
                put_name(&mut out, identity.as_str());
                out.extend_from_slice(&process.to_le_bytes());
            }
            Self::Accepted { menu } => {
                out.push(ACCEPTED);
                menu.put(&mut out);
            }
            Self::Refused { reason } => {
                out.push(REFUSED);
                put_name(&mut out, reason);
            }
            Self::Menu { menu } => {
                out.push(MENU);
                menu.put(&mut out);
            }
            Self::Ping => out.push(PING),
        }
        let length = u32::try_from(out.len().saturating_sub(4)).unwrap_or(u32::MAX);
        for (place, byte) in out.iter_mut().zip(length.to_le_bytes()) {
            *place = byte;
        }
        out
    }
}

/// How many bytes follow the 4 bytes of a message's length.
///
/// # Errors
/// A length of zero or above [`MAX_CONTROL_BYTES`].
pub fn message_length(prefix: [u8; 4]) -> Result<usize, WireError> {
    let length = u32::from_le_bytes(prefix);
    in_range("control message length", u64::from(length), 1, MAX_CONTROL_BYTES as u64)?;
    Ok(usize::try_from(length).unwrap_or(MAX_CONTROL_BYTES))
}

/// Decodes one whole message, without its length prefix.
///
/// # Errors
/// The field that was wrong.
pub fn decode(bytes: &[u8]) -> Result<ControlMessage, WireError> {
    let mut reader = Reader::new(bytes);
    let message = match reader.u8("control message type")? {
        HELLO => {
            let version = reader.u16("protocol version")?;
            let identity = reader.name("identity")?.parse()?;
            ControlMessage::Hello { version, identity, process: reader.u64("process")? }
        }
        ACCEPTED => ControlMessage::Accepted { menu: CloudMenu::read(&mut reader)? },
        REFUSED => ControlMessage::Refused { reason: reader.name("refusal reason")? },
        MENU => ControlMessage::Menu { menu: CloudMenu::read(&mut reader)? },
        PING => ControlMessage::Ping,
        other => return Err(WireError::Unknown { what: "control message type", value: u64::from(other) }),
    };
    reader.end("control")?;
    Ok(message)
}

/// Cuts a stream of bytes, however it comes in pieces, into whole messages.
///
/// ```
/// use transport::wire::control::{ControlBuffer, ControlMessage};
/// let refused = ControlMessage::Refused { reason: "full".into() };
/// let mut buffer = ControlBuffer::default();
/// for byte in refused.encode() {
///     assert_eq!(buffer.next_message()?, None);
///     buffer.push(&[byte]);
/// }
/// assert_eq!(buffer.next_message()?, Some(refused));
/// # Ok::<(), transport::wire::WireError>(())
/// ```
#[derive(Debug, Default)]
pub struct ControlBuffer {
    bytes: Vec<u8>,
}

impl ControlBuffer {
    /// Appends what came; take the messages out before the next piece, so that no more than one and a piece is held.
    pub fn push(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
    }

    /// The next message, once it is whole.
    ///
    /// # Errors
    /// The field that was wrong; the stream makes no sense from there on, and every further call says so too.
    pub fn next_message(&mut self) -> Result<Option<ControlMessage>, WireError> {
        let Some((prefix, rest)) = self.bytes.split_first_chunk::<4>() else { return Ok(None) };
        let length = message_length(*prefix)?;
        let Some(body) = rest.get(..length) else { return Ok(None) };
        let message = decode(body)?;
        self.bytes.drain(..4 + length);
        Ok(Some(message))
    }

    /// Bytes held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the stream so far was whole messages only.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}
