//! The two detectors: the one on the vehicle and the way to the cloud's.

use std::path::{Path, PathBuf};

use garde::Validate;
use serde::{Deserialize, Serialize};

use super::carrier::{Carrier, Probe, has_its_carrier};
use crate::limits::{host_and_port, one_line, path, resolve};

/// The `vehicle` block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct VehicleConfig {
    /// The on-vehicle detector, an ONNX file.
    #[garde(custom(path))]
    pub model: PathBuf,
}

/// The `cloud` block: where the gateway is and how both sides prove who they are (mutual TLS, PEM files).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct CloudPeer {
    /// `host:port` of the gateway, UDP.
    #[garde(custom(host_and_port))]
    pub address: String,
    /// The ways to it, each the name of an interface or an address of the car's own; a connection is kept over each, and
    /// frames go over the best. At most 4; none means as the system routes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(custom(ways_out))]
    pub uplinks: Vec<String>,
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
    /// The junk that carrier `prototype` sends beside its frames.
    #[serde(default)]
    #[garde(custom(has_its_carrier(self.carrier)))]
    pub probe: Probe,
}

/// Each uplink has a connection with its pings.
const MOST_UPLINKS: usize = 4;
/// Longest name of an interface (Linux: `IFNAMSIZ` less the final zero).
const MOST_INTERFACE_BYTES: usize = 15;

fn ways_out(uplinks: &[String], _: &()) -> garde::Result {
    if uplinks.len() > MOST_UPLINKS {
        return Err(garde::Error::new(format!("has {} entries; expected at most {MOST_UPLINKS}", uplinks.len())));
    }
    for (place, uplink) in uplinks.iter().enumerate() {
        let interface = (1..=MOST_INTERFACE_BYTES).contains(&uplink.len())
            && uplink.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b':'));
        if !interface && uplink.parse::<std::net::IpAddr>().is_err() {
            let wrong =
                "expected the name of an interface, such as wwan0, or an address of this car's, such as 10.0.0.2";
            return Err(garde::Error::new(format!("has {uplink:?}; {wrong}")));
        }
        if uplinks.iter().take(place).any(|before| before == uplink) {
            return Err(garde::Error::new(format!("has {uplink:?} twice; expected each uplink once")));
        }
    }
    Ok(())
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
