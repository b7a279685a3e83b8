//! What the allocator tells of itself: changes to whoever logs them, and its state to whoever asks.

use std::time::Duration;

use allocation::context::DrivingContext;
use allocation::drift::Drift;
use telemetry::names::{NameId, Names};

/// As many services as a profile may have.
pub const MOST_SERVICES: usize = 32;

/// The weights of all services.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// In the order of the services.
    pub weights: heapless::Vec<f64, MOST_SERVICES>,
    /// Which rules are active, a bit for each.
    pub active: u64,
}

/// Something that is worth a line in the log.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "the allocator may not box: it makes no heap call while it runs")]
pub enum Notice {
    /// Weights or active rules have changed.
    Weights(Weights),
    /// Live sizes or times have left what the table says, or come back to it.
    Drift {
        /// The configuration, or the model where its payload does not matter.
        what: NameId,
        /// How far.
        drift: Drift,
    },
    /// Models that the cloud offers and the table cannot be used for.
    Unserved {
        /// Each with the reason.
        models: Vec<String>,
    },
}

/// The state of one service.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServiceStatus {
    /// Its weight now.
    pub weight: f64,
    /// What recent results make of it.
    pub factor: f64,
    /// Agreement of cloud and vehicle over the window.
    pub agreement: Option<f64>,
    /// Expected accuracy of what was delivered over the window.
    pub utility: Option<f64>,
    /// Since something was last detected.
    pub since_detection: Duration,
    /// What it sends.
    pub config: NameId,
    /// Its share of the uplink.
    pub rate_bps: f64,
}

/// The allocator's state.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// In the order of the services.
    pub services: heapless::Vec<ServiceStatus, MOST_SERVICES>,
    /// Which rules are active, a bit for each.
    pub active: u64,
    /// How often weights or active rules have changed.
    pub changes: u64,
    /// What is known of the drive.
    pub known: DrivingContext,
    /// How many quantities of the table are out of their bounds now.
    pub drifted: u32,
    /// How often one has left them.
    pub drifts: u64,
}

impl Status {
    /// As a JSON object; `services` and `rules` are the names of the profile, `tags` those of the tags.
    pub fn json(&self, services: &[String], rules: &[String], tags: &[String], names: &Names) -> serde_json::Value {
        let services: Vec<serde_json::Value> = services
            .iter()
            .zip(&self.services)
            .map(|(name, service)| {
                serde_json::json!({
                    "service": name,
                    "weight": service.weight,
                    "factor": service.factor,
                    "agreement": service.agreement,
                    "utility": service.utility,
                    "since_detection_s": service.since_detection.as_secs_f64(),
                    "config": &*names.get(service.config),
                    "rate_mbps": service.rate_bps / 1e6,
                })
            })
            .collect();
        let tags: Vec<&String> =
            tags.iter().enumerate().filter(|(at, _)| self.known.tags.has(*at)).map(|(_, tag)| tag).collect();
        serde_json::json!({
            "services": services,
            "rules": active_names(self.active, rules),
            "changes": self.changes,
            "context": {
                "speed_mps": self.known.speed_mps,
                "steering_deg": self.known.steering_deg,
                "turn_signal": self.known.turn_signal.map(|signal| signal.to_string()),
                "tags": tags,
            },
            "drifted": self.drifted,
            "drifts": self.drifts,
        })
    }
}

/// The names of the active rules.
pub fn active_names(active: u64, rules: &[String]) -> Vec<&str> {
    let named = rules.iter().zip(0_u32..).filter(|(_, bit)| active >> bit & 1 == 1);
    named.map(|(name, _)| name.as_str()).collect()
}
