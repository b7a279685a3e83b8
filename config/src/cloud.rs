//! The profile of `turbo cloud`: gateway and workers.

mod logs;
mod threads;

use std::path::{Path, PathBuf};

use garde::Validate;
use serde::{Deserialize, Serialize};

use crate::limits::{host_and_port, one_line, path, resolve, within};
use crate::load::Profile;
use crate::unique::{Keyed, Unique};
pub use logs::CloudLogs;
pub use threads::CloudThreads;
use threads::some_worker_is_left;

/// Everything `turbo cloud` is told, such as `config/cloud.yaml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct CloudProfile {
    /// `host:port` to receive cars at, UDP; port 0 for any that is free.
    #[garde(custom(host_and_port))]
    pub listen: String,
    /// How both sides prove who they are.
    #[garde(dive)]
    pub tls: TlsConfig,
    /// The detectors on offer, at least one.
    #[garde(dive)]
    pub models: Unique<ModelFile>,
    /// Worker threads, each with every model loaded, 1 to 256.
    #[garde(custom(within(1.0, 256.0, "workers")))]
    pub workers: u32,
    /// Cores one inference may use, 1 to 256. Default 1.
    #[serde(default = "one")]
    #[garde(custom(within(1.0, 256.0, "threads")))]
    pub threads_per_worker: u32,
    /// What one car may ask for.
    #[garde(dive)]
    pub limits: CloudLimits,
    /// Where and what is logged.
    #[garde(dive)]
    pub logs: CloudLogs,
    /// The core map.
    #[garde(dive, custom(some_worker_is_left(self.workers)))]
    pub threads: CloudThreads,
}

/// PEM files for mutual TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// Certificate of the authority that signed the cars' certificates.
    #[garde(custom(path))]
    pub ca: PathBuf,
    /// The gateway's certificate.
    #[garde(custom(path))]
    pub certificate: PathBuf,
    /// Its private key, which only its owner may read.
    #[garde(custom(path))]
    pub key: PathBuf,
    /// Whether to take certificates that any car of a fleet may show, and believe such a car who it says it is.
    /// Default false.
    #[serde(default)]
    #[garde(skip)]
    pub fleet_certificates: bool,
}

/// One detector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Its name in model configurations and utility tables, such as `edd4`.
    #[garde(custom(one_line))]
    pub name: String,
    /// The ONNX file.
    #[garde(custom(path))]
    pub file: PathBuf,
}

impl Keyed for ModelFile {
    const KEY: &'static str = "name";

    fn key(&self) -> String {
        self.name.clone()
    }
}

/// Bounds on what a car may ask for; a car beyond them is refused, not served worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct CloudLimits {
    /// Largest frame, 1024 to 268435456 bytes.
    #[garde(custom(within(1024.0, 268_435_456.0, "bytes")))]
    pub frame_bytes: u64,
    /// Cars at once, 1 to 65536.
    #[garde(custom(within(1.0, 65_536.0, "cars")))]
    pub cars: u32,
    /// Services per car, 1 to 32.
    #[garde(custom(within(1.0, 32.0, "services")))]
    pub services_per_car: u32,
    /// Bytes of frames a car may send a second, 1024 to 10000000000; in a burst, as many as may be here of one car.
    /// Default 125000000.
    #[serde(default = "gigabit")]
    #[garde(custom(within(1024.0, 10_000_000_000.0, "bytes per second")))]
    pub bytes_per_s_per_car: u64,
    /// Connections with one certificate at a time, 1 to 65536; those given up count until they have ended. Default 8.
    #[serde(default = "eight")]
    #[garde(custom(within(1.0, 65_536.0, "connections")))]
    pub connections_per_certificate: u32,
    /// Handshakes under way before newcomers have to prove their address first, 1 to 65536. Default 64.
    #[serde(default = "sixty_four")]
    #[garde(custom(within(1.0, 65_536.0, "handshakes")))]
    pub handshakes: u32,
}

impl Profile for CloudProfile {
    fn resolve_paths(&mut self, base: &Path) {
        for model in self.models.iter_mut() {
            resolve(base, &mut model.file);
        }
        for path in [&mut self.tls.ca, &mut self.tls.certificate, &mut self.tls.key, &mut self.logs.output_dir] {
            resolve(base, path);
        }
    }
}

fn one() -> u32 {
    1
}

fn eight() -> u32 {
    8
}

fn sixty_four() -> u32 {
    64
}

fn gigabit() -> u64 {
    125_000_000
}
