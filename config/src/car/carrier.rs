//! What carries frames to the cloud, and what the prototype's discipline adds to them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What carries frames to the cloud.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Carrier {
    /// Chosen frame by frame, from measured loss, round trip and deadline.
    #[default]
    Auto,
    /// A QUIC stream for each frame.
    Stream,
    /// Datagrams with repair and selective retransmission.
    Datagram,
    /// The prototype's, to compare with: one long stream for each service, begun frames always finished, BBR.
    Prototype,
}

/// The junk with which the prototype finds out what the link would carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// None is sent.
    #[default]
    None,
    /// As much as the window over the round trip leaves beside the frames.
    Fill,
    /// At most 0.5 Mbit/s, and only once no frame was sent for 500 ms, as the prototype's configuration came.
    Idle,
}

/// A word that names none of what there is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is no {what}; expected {expected}")]
pub struct UnknownWord {
    /// What was given.
    pub word: String,
    /// What it should have named.
    pub what: &'static str,
    /// The words there are.
    pub expected: &'static str,
}

impl Carrier {
    const ALL: [(&'static str, Self); 4] =
        [("auto", Self::Auto), ("stream", Self::Stream), ("datagram", Self::Datagram), ("prototype", Self::Prototype)];
}

impl Probe {
    const ALL: [(&'static str, Self); 3] = [("none", Self::None), ("fill", Self::Fill), ("idle", Self::Idle)];
}

impl FromStr for Carrier {
    type Err = UnknownWord;

    /// The word of the profile.
    ///
    /// ```
    /// use config::car::Carrier;
    /// assert_eq!("prototype".parse(), Ok(Carrier::Prototype));
    /// assert!("pigeon".parse::<Carrier>().unwrap_err().to_string().contains("auto, stream"));
    /// ```
    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|(name, _)| *name == word);
        let unknown =
            || UnknownWord { word: word.to_owned(), what: "carrier", expected: "auto, stream, datagram or prototype" };
        found.map(|(_, carrier)| carrier).ok_or_else(unknown)
    }
}

impl FromStr for Probe {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|(name, _)| *name == word);
        let unknown = || UnknownWord { word: word.to_owned(), what: "probe", expected: "none, fill or idle" };
        found.map(|(_, probe)| probe).ok_or_else(unknown)
    }
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(_, carrier)| carrier == self).map_or("", |(name, _)| name))
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(_, probe)| probe == self).map_or("", |(name, _)| name))
    }
}

/// Turbo's own carriers learn the link from the frames themselves and send no junk.
pub(super) fn has_its_carrier(carrier: Carrier) -> impl Fn(&Probe, &()) -> garde::Result {
    move |probe, ()| {
        if *probe == Probe::None || carrier == Carrier::Prototype {
            return Ok(());
        }
        Err(garde::Error::new(format!(
            "is {probe} with carrier {carrier}, which sends no probe; expected none, or carrier: prototype"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_profile() {
        for (name, carrier) in Carrier::ALL {
            assert_eq!((carrier.to_string().as_str(), name.parse()), (name, Ok(carrier)));
        }
        for (name, probe) in Probe::ALL {
            assert_eq!((probe.to_string().as_str(), name.parse()), (name, Ok(probe)));
        }
        assert!("Fill".parse::<Probe>().is_err());
    }

    #[test]
    fn a_probe_goes_with_the_prototype_alone() {
        for (name, carrier) in Carrier::ALL {
            let said = has_its_carrier(carrier)(&Probe::Fill, &());
            assert_eq!(said.is_ok(), name == "prototype", "{name}: {said:?}");
            assert!(has_its_carrier(carrier)(&Probe::None, &()).is_ok());
        }
    }
}
