//! A peer's identity: a readable part and a UUID, so that logs can be read and routing cannot be mistaken.

use std::fmt;
use std::str::FromStr;

use super::WireError;

/// `car/<name>/<uuid>`, checked.
///
/// ```
/// use transport::wire::identity::Identity;
/// let identity: Identity = "car/north-1/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e01".parse()?;
/// assert_eq!(identity.name(), "north-1");
/// assert!("car/north-1".parse::<Identity>().is_err());
/// # Ok::<(), transport::wire::WireError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity(String);

/// Lengths of a UUID's five groups, hexadecimal digits.
const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
/// The longest readable name, bytes.
const MAX_READABLE: usize = 64;

impl Identity {
    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The readable part between the slashes.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split('/').nth(1).unwrap_or_default()
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Identity {
    type Err = WireError;

    fn from_str(text: &str) -> Result<Self, WireError> {
        let fail = |reason| WireError::Identity { text: text.chars().take(128).collect(), reason };
        let mut parts = text.split('/');
        let (Some(role), Some(name), Some(uuid), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(fail("not three parts between slashes"));
        };
        if role != "car" {
            return Err(fail("the first part is not \"car\""));
        }
        let readable = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if name.is_empty() || name.len() > MAX_READABLE || !name.bytes().all(readable) {
            return Err(fail("the name is not 1 to 64 ASCII letters, digits, '-', '_' or '.'"));
        }
        let groups = uuid.split('-');
        let well_formed = groups.clone().count() == GROUPS.len()
            && groups
                .zip(GROUPS)
                .all(|(group, digits)| group.len() == digits && group.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if !well_formed {
            return Err(fail("the last part is not a UUID"));
        }
        Ok(Self(text.to_owned()))
    }
}
