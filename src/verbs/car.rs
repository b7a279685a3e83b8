//! `turbo car`: the vehicle's side.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use config::car::{Carrier, Probe};

use crate::car;
use crate::failure::Failure;
use crate::quantities;

/// The objectives that a profile may have.
const LEAST_SLO: Duration = Duration::from_millis(10);
const MOST_SLO: Duration = Duration::from_secs(10);

/// Run the car: cameras, on-vehicle detector, uplink, decisions.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: turbo car config/car.yaml --cloud 192.0.2.7:4433 --for 60s")]
pub struct CarArgs {
    /// The car's profile (YAML).
    pub config: PathBuf,
    /// Address of the cloud, in place of the profile's.
    #[arg(long, value_name = "IP:PORT")]
    pub cloud: Option<SocketAddr>,
    /// Folder with ca.pem, car.pem and car.key, in place of the profile's files.
    #[arg(long, value_name = "DIR")]
    pub certs: Option<PathBuf>,
    /// Utility table, in place of the profile's.
    #[arg(long, value_name = "FILE")]
    pub table: Option<PathBuf>,
    /// A model that the cloud offers and the table does not know; repeat for several. They take the table's place.
    #[arg(long = "cloud-model-name", value_name = "NAME")]
    pub cloud_models: Vec<String>,
    /// What the link is like that `turbo demo` emulates (JSON), for `run.yaml`.
    #[arg(long, value_name = "JSON", hide = true)]
    pub emulated_link: Option<String>,
    /// What a user would change from run to run.
    #[command(flatten)]
    pub tuning: Tuning,
}

/// The flags that `turbo demo` hands through to its car.
#[derive(clap::Args, Clone, Debug)]
pub struct Tuning {
    /// End after this long (30s, 2m, 500ms); for ever without it.
    #[arg(long = "for", value_name = "DURATION", value_parser = quantities::run_length)]
    pub run_for: Option<Duration>,
    /// Objective of every service: decision due this long after capture.
    #[arg(long, value_name = "DURATION", value_parser = quantities::duration_within(LEAST_SLO..=MOST_SLO, "200ms"))]
    pub slo: Option<Duration>,
    /// Frames per second of every camera.
    #[arg(long, value_name = "N", value_parser = quantities::frame_rate)]
    pub fps: Option<f64>,
    /// Number of services (cameras); the profile's list is cut or its last entry repeated.
    #[arg(long, value_name = "N", value_parser = quantities::whole::<usize>("number of services", 1..=32, "3"))]
    pub services: Option<usize>,
    /// Allocation policy: turbo, prototype, on-vehicle, equal-split or fixed:CONFIGURATION.
    /// `prototype` brings the prototype's carrier as well, unless --carrier says otherwise.
    #[arg(long)]
    pub policy: Option<String>,
    /// What carries frames: auto, stream, datagram or prototype.
    #[arg(long)]
    pub carrier: Option<Carrier>,
    /// The junk that carrier prototype sends beside its frames: none, fill or idle.
    #[arg(long)]
    pub probe: Option<Probe>,
    /// Seed of the synthetic cameras (and, in the demo, of the link).
    #[arg(long, value_name = "N", value_parser = quantities::seed)]
    pub seed: Option<u64>,
    /// Play the JPEG and PNG photographs of a folder as cameras.
    #[arg(long, value_name = "DIR")]
    pub frames: Option<PathBuf>,
    /// Labels of those photographs (Pascal VOC folder or COCO JSON): the accuracy is measured.
    #[arg(long, value_name = "DIR")]
    pub labels: Option<PathBuf>,
    /// The on-vehicle detector (ONNX), in place of the profile's.
    #[arg(long, value_name = "FILE")]
    pub vehicle_model: Option<PathBuf>,
    /// Write each delivered frame with its boxes as a PNG into this folder.
    #[arg(long, value_name = "DIR")]
    pub save_overlays: Option<PathBuf>,
    /// Where run directories are made, in place of the profile's.
    #[arg(long, value_name = "DIR")]
    pub output_dir: Option<PathBuf>,
    /// Take commands at this UNIX socket, as `turbo control` sends them, in place of the profile's.
    #[arg(long, value_name = "PATH")]
    pub control: Option<PathBuf>,
    /// Write none of the logs, no raw frames and no event log, whatever the profile says.
    #[arg(long)]
    pub no_logs: bool,
    /// Print one JSON object at the end instead of the table.
    #[arg(long)]
    pub json: bool,
}

impl Tuning {
    /// The flags as a command line gives them, for a child process.
    #[must_use]
    pub fn to_flags(&self) -> Vec<OsString> {
        let mut flags = Vec::new();
        let mut flag = |name: &str, value: Option<OsString>| {
            if let Some(value) = value {
                flags.extend([OsString::from(name), value]);
            }
        };
        let millis = |duration: &Duration| format!("{}ms", duration.as_nanos() as f64 / 1e6).into();
        flag("--for", self.run_for.as_ref().map(millis));
        flag("--slo", self.slo.as_ref().map(millis));
        flag("--fps", self.fps.map(|fps| fps.to_string().into()));
        flag("--services", self.services.map(|count| count.to_string().into()));
        flag("--policy", self.policy.clone().map(Into::into));
        flag("--carrier", self.carrier.map(|carrier| carrier.to_string().into()));
        flag("--probe", self.probe.map(|probe| probe.to_string().into()));
        flag("--seed", self.seed.map(|seed| seed.to_string().into()));
        for (name, path) in [
            ("--frames", &self.frames),
            ("--labels", &self.labels),
            ("--vehicle-model", &self.vehicle_model),
            ("--save-overlays", &self.save_overlays),
            ("--output-dir", &self.output_dir),
            ("--control", &self.control),
        ] {
            flag(name, path.clone().map(Into::into));
        }
        for (name, given) in [("--no-logs", self.no_logs), ("--json", self.json)] {
            if given {
                flags.push(name.into());
            }
        }
        flags
    }
}

/// Runs the car until it is told to stop.
///
/// # Errors
/// [`Failure`], with the exit code that fits.
pub fn run(args: &CarArgs) -> Result<(), Failure> {
    car::run(args)
}
