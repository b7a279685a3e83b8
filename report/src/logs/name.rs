//! File names of logs, read and written by one grammar.

use std::fmt;

use super::{Direction, LogKind};

/// The side that a directory of logs belongs to; logs 7 and 8 exist on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// `client_main_*`, `quic_client_*`.
    Car,
    /// `server_main_*`, `quic_server_*`.
    Cloud,
}

impl Place {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Car => "car",
            Self::Cloud => "cloud",
        }
    }
}

/// One log: the set of files that are numbered together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId {
    /// Which type.
    pub kind: LogKind,
    /// Whose; none for the logs of all services.
    pub service: Option<u16>,
    /// Which way, for log type 8.
    pub direction: Option<Direction>,
}

/// The name of a part file, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartName {
    /// Of which log.
    pub log: LogId,
    /// The part's number, from 0.
    pub number: u64,
}

impl PartName {
    /// Takes a file name apart; `None` where it is no part of any log.
    ///
    /// ```
    /// use turbo_report::logs::{LogKind, PartName};
    /// let part = PartName::parse("client_queries_service2_temp17.csv").ok_or("a part")?;
    /// assert_eq!((part.log.kind, part.log.service, part.number), (LogKind::ClientQueries, Some(2), 17));
    /// assert_eq!(part.to_string(), "client_queries_service2_temp17.csv");
    /// assert_eq!(PartName::parse("client_queries_service2_temp017.csv"), None);
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        LogKind::ALL.into_iter().find_map(|kind| {
            let rest = name.strip_prefix(kind.name())?.strip_suffix(kind.extension())?;
            let (direction, rest) = match kind {
                LogKind::ImageContext => {
                    [Direction::Outgoing, Direction::Incoming].into_iter().find_map(|direction| {
                        let rest = rest.strip_prefix('_')?.strip_prefix(direction.name())?;
                        Some((Some(direction), rest))
                    })?
                }
                _ => (None, rest),
            };
            let (owner, number) = rest.rsplit_once(kind.part_word())?;
            let service = match kind.is_per_service() {
                true => Some(plain(owner.strip_prefix("_service")?)?),
                false if owner == "_allservices" => None,
                false => return None,
            };
            Some(Self { log: LogId { kind, service, direction }, number: plain(number)? })
        })
    }
}

/// A number as the program writes it: no sign, no leading zeros.
fn plain<N: std::str::FromStr>(text: &str) -> Option<N> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain)
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.log.kind;
        write!(f, "{}{}{}{}", self.log, kind.part_word(), self.number, kind.extension())
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind.name())?;
        if let Some(direction) = self.direction {
            write!(f, "_{}", direction.name())?;
        }
        match self.service {
            Some(service) => write!(f, "_service{service}"),
            None => write!(f, "_allservices"),
        }
    }
}

/// A raw frame beside log type 2: `service{N}_context_{K}.bytes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawFrame {
    /// Whose.
    pub service: u16,
    /// The frame's number.
    pub context: u64,
}

impl RawFrame {
    /// Takes a file name apart.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (service, context) = name.strip_prefix("service")?.strip_suffix(".bytes")?.split_once("_context_")?;
        Some(Self { service: plain(service)?, context: plain(context)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_specification_s_names_are_known() {
        for name in [
            "client_queries_service1_temp0.csv",
            "camera_contexts_service3_temp12.csv",
            "server_results_service1_temp5",
            "ping_loop_allservices_temp0.csv",
            "bandwidth_stat_log_allservices_part3.parquet",
            "allocation_stat_log_allservices_part0.parquet",
            "network_stat_log_service2_part1.parquet",
            "image_context_log_outgoing_service1_part9",
            "image_context_log_incoming_service1_part9",
        ] {
            assert_eq!(PartName::parse(name).map(|part| part.to_string()).as_deref(), Some(name));
        }
        assert_eq!(RawFrame::parse("service2_context_7.bytes"), Some(RawFrame { service: 2, context: 7 }));
    }

    #[test]
    fn names_that_only_look_alike_are_foreign() {
        for name in [
            "client_queries_service1_temp0.parquet",
            "client_queries_service1_part0.csv",
            "client_queries_allservices_temp0.csv",
            "server_results_service1_temp5.csv",
            "ping_loop_service1_temp0.csv",
            "network_stat_log_service2_part+1.parquet",
            "image_context_log_service1_part9",
            "image_context_log_outgoing_service1_part9 ",
            "client_queries_service70000_temp0.csv",
            "",
        ] {
            assert_eq!(PartName::parse(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_taken_apart_is_put_together_again(name in "[a-z]{4,8}_(stat_)?(log_)?(out|in)?[a-z]{0,6}_service[0-9]{1,6}_(temp|part)[0-9]{1,4}(\\.csv|\\.parquet)?") {
            if let Some(part) = PartName::parse(&name) {
                prop_assert_eq!(part.to_string(), name);
            }
        }
    }
}
