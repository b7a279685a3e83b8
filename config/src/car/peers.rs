//! The two detectors: the one on the vehicle and the way to the cloud's.

use std::path::{Path, PathBuf};

use garde::Validate;
use serde::{Deserialize, Serialize};

use crate::limits::{host_and_port, one_line, path, resolve};

/// The `vehicle` block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct VehicleConfig {
    /// The on-vehicle detector, an ONNX file.
    #[garde(custom(path))]
    pub model: PathBuf,
}

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
}

/// The `cloud` block: where the gateway is and how both sides prove who they are (mutual TLS, PEM files).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct CloudPeer {
    /// `host:port` of the gateway, UDP.
    #[garde(custom(host_and_port))]
    pub address: String,
    /// The name in the gateway's certificate.
    #[garde(custom(one_line))]
    pub server_name: String,
    /// Certificate of the authority that signed the gateway's certificate.
    #[garde(custom(path))]
    pub ca: PathBuf,
    /// This car's certificate.
    #[garde(custom(path))]
    pub certificate: PathBuf,
    /// Its private key, which only its owner may read.
    #[garde(custom(path))]
    pub key: PathBuf,
    /// The name under which the cloud logs and routes this car, or all of `car/<name>/<uuid>`. Default: what the
    /// certificate says, which it must not contradict; needed with a fleet's certificate.
    #[serde(default)]
    #[garde(inner(custom(one_line)))]
    pub identity: Option<String>,
    /// What carries frames.
    #[serde(default)]
    #[garde(skip)]
    pub carrier: Carrier,
}

impl VehicleConfig {
    pub(super) fn resolve_paths(&mut self, base: &Path) {
        resolve(base, &mut self.model);
    }
}

impl CloudPeer {
    pub(super) fn resolve_paths(&mut self, base: &Path) {
        for path in [&mut self.ca, &mut self.certificate, &mut self.key] {
            resolve(base, path);
        }
    }
}
