//! Which frames of a car are new: a bounded number of services, and of each the newest sequence numbers.
//!
//! Streams overtake one another, so that a lower number after a higher one is nothing wrong; the same number twice, or
//! one from long ago, is. The window is the one that RFC 4303 (section 3.4.3) uses against replayed packets.

use super::offence::Offence;

/// So many of the newest numbers of a service are told apart.
pub const WINDOW: u32 = 64;

/// The services of one connection.
#[derive(Debug)]
pub struct Services {
    most: usize,
    known: Vec<Window>,
}

#[derive(Debug)]
struct Window {
    service: u16,
    newest: u64,
    /// Bit n: the number n below the newest was there.
    seen: u64,
}

impl Services {
    /// Room for `most` services.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self { most, known: Vec::new() }
    }

    /// Takes frame `seq` of `service`, where it is new.
    ///
    /// ```
    /// use transport::gateway::{Offence, Services};
    /// let mut services = Services::new(1);
    /// assert_eq!(services.admit(3, 10), Ok(()));
    /// assert_eq!(services.admit(3, 9), Ok(())); // overtaken on the way
    /// assert_eq!(services.admit(3, 9), Err(Offence::Sequence));
    /// assert_eq!(services.admit(4, 1), Err(Offence::Service));
    /// ```
    ///
    /// # Errors
    /// [`Offence::Service`] where there would be too many, [`Offence::Sequence`] where the number was there before or is
    /// [`WINDOW`] or more below the newest.
    pub fn admit(&mut self, service: u16, seq: u64) -> Result<(), Offence> {
        if let Some(window) = self.known.iter_mut().find(|window| window.service == service) {
            return window.admit(seq);
        }
        if self.known.len() >= self.most {
            return Err(Offence::Service);
        }
        self.known.push(Window { service, newest: seq, seen: 1 });
        Ok(())
    }
}

impl Window {
    fn admit(&mut self, seq: u64) -> Result<(), Offence> {
        if let Some(ahead) = seq.checked_sub(self.newest).filter(|ahead| *ahead > 0) {
            let shift = u32::try_from(ahead).unwrap_or(u32::MAX);
            self.seen = self.seen.checked_shl(shift).unwrap_or(0) | 1;
            self.newest = seq;
            return Ok(());
        }
        let behind = u32::try_from(self.newest - seq).ok().and_then(|behind| 1_u64.checked_shl(behind));
        match behind {
            Some(bit) if self.seen & bit == 0 => {
                self.seen |= bit;
                Ok(())
            }
            _ => Err(Offence::Sequence),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{HashMap, HashSet};

    proptest! {
        /// Against sets that forget nothing.
        #[test]
        fn only_what_is_new_is_admitted(
            most in 1..6_usize,
            base in prop_oneof![Just(0_u64), Just(u64::MAX - 400), any::<u64>()],
            frames in prop::collection::vec((0..8_u16, 0..200_u64), 0..400),
        ) {
            let mut services = Services::new(most);
            let mut seen: HashMap<u16, HashSet<u64>> = HashMap::new();
            for (service, offset) in frames {
                let seq = base.saturating_add(offset);
                let full = seen.len() >= most && !seen.contains_key(&service);
                let expected = if full {
                    Err(Offence::Service)
                } else {
                    let seen = seen.entry(service).or_default();
                    let old = seen.iter().max().is_some_and(|newest| newest.saturating_sub(seq) >= u64::from(WINDOW));
                    if old || !seen.insert(seq) { Err(Offence::Sequence) } else { Ok(()) }
                };
                prop_assert_eq!(services.admit(service, seq), expected);
            }
        }
    }

    #[test]
    fn leaps_to_the_end_of_the_numbers_are_survived() {
        let mut services = Services::new(1);
        for (seq, admitted) in [(0, true), (u64::MAX, true), (u64::MAX - 1, true), (0, false), (u64::MAX, false)] {
            assert_eq!(services.admit(1, seq).is_ok(), admitted, "{seq}");
        }
    }
}
