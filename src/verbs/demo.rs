//! `turbo demo`: car, cloud and the emulated link between them, on this machine.

mod assets;
mod child;
mod cloud_keeper;

use std::ffi::OsString;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use config::cloud::ModelFile;
use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::stop::StopToken;
use rt_core::threads::{Strictness, Thread, ThreadEnd, ThreadSpec, spawn};
use transport::certs::DevPki;
use transport::link::{Link, LinkConfig, LinkHandle, Trace};

use super::{car, cloud, link};
use crate::emulated::{self, EmulatedLink};
use crate::failure::Failure;
use crate::{credentials, quantities, signals};
use child::Child;
use cloud_keeper::CloudKeeper;

/// Where run directories are made without `--output-dir`.
const OUTPUT_DIR: &str = "runs";
/// How often the children are looked at.
const PERIOD: Duration = Duration::from_millis(20);
/// How long a child may take to end once it is told to, before it is killed.
const END_TIME: Duration = Duration::from_millis(1_500);
/// How long the car waits for the cloud to be ready at the start; later it comes and goes as it likes.
const CLOUD_START: Duration = Duration::from_secs(60);

/// Run car, cloud and an emulated cellular link on this machine and print one result.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: turbo demo --for 60s --mean-mbps 10 --rtt 60ms")]
pub struct DemoArgs {
    /// What the car is told.
    #[command(flatten)]
    pub tuning: car::Tuning,
    /// Uplink trace: one line per 1500-byte delivery opportunity, in ms; a generated one without it.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Scales the trace to this mean, Mbit/s; at 0 nothing passes.
    #[arg(long, value_name = "MBIT/S", value_parser = quantities::megabits)]
    pub mean_mbps: Option<f64>,
    /// Round trip on the idle link, half of it in each direction.
    #[arg(long, value_name = "DURATION", default_value = "40ms", value_parser = quantities::round_trip)]
    pub rtt: Duration,
    /// Probability that a packet is lost, in either direction, 0 to 1.
    #[arg(long, value_name = "PROBABILITY", default_value_t = 0.0, value_parser = quantities::probability)]
    pub loss: f64,
    /// What happens to the link meanwhile: lines of a time and a command, as `turbo link --help` lists them.
    #[arg(long, value_name = "FILE")]
    pub link_script: Option<PathBuf>,
    /// Take commands for the link at this UNIX socket, as `turbo link send` sends them.
    #[arg(long, value_name = "PATH")]
    pub link_control: Option<PathBuf>,
    /// A detector the cloud offers (ONNX), again for each; together they replace the embedded ones.
    #[arg(long = "cloud-model", value_name = "NAME=FILE", value_parser = cloud::named_model)]
    pub cloud_models: Vec<ModelFile>,
}

/// Runs the demo until its car ends.
///
/// # Errors
/// [`Failure`], with the exit code that fits; a car that failed has said itself why.
pub fn run(args: &DemoArgs) -> Result<(), Failure> {
    let stop = StopToken::default();
    signals::stop_on_signals(&stop)?;
    check_files(args)?;
    let trace = link::uplink_trace(args.trace.as_deref(), args.mean_mbps, args.tuning.seed)?;

    let dir = tempfile::Builder::new().prefix("turbo-demo-").tempdir().map_err(Failure::run)?;
    assets::unpack(dir.path()).map_err(Failure::run)?;
    let certs = dir.path().join("certs");
    DevPki::create_for(&certs, credentials::random_identity("demo")?).map_err(Failure::run)?;

    // Chosen once, so that a restarted cloud is found where the first one was.
    let cloud_address = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.local_addr());
    let cloud_address = cloud_address.map_err(Failure::run)?;
    telemetry::say!("uplink: {}, {:.1} Mbit/s on average", trace.name(), trace.mean_bps() / 1e6);
    let RunningLink { emulator, counters, stop: link_stop, live } = start_link(args, trace, cloud_address)?;
    let emulated = emulated(args, Monotonic::now())?;

    let output_dir = args.tuning.output_dir.clone().unwrap_or_else(|| OUTPUT_DIR.into());
    let bell = Doorbell::futex();
    stop.wakes(&bell);
    let demo =
        Demo { dir: dir.path(), certs: &certs, output_dir: &output_dir, emulated: &emulated, stop: &stop, bell: &bell };
    let mut keeper = CloudKeeper::start(demo.cloud_command(&args.cloud_models, cloud_address), bell.clone());
    let outcome = demo.run(&mut keeper, args, &counters, &emulator);
    keeper.end(Monotonic::now().plus(END_TIME));
    link_stop.set();
    let link_end = emulator.join().1;
    live.end();
    if !args.tuning.json {
        telemetry::say!("{}", link::summary(&counters.stats()));
    }
    match link_end {
        ThreadEnd::Done => outcome,
        ThreadEnd::Failed(reason) | ThreadEnd::Panicked(reason) => Err(Failure::Run(format!("link: {reason}"))),
    }
}

/// A file that is missing is said before anything starts.
fn check_files(args: &DemoArgs) -> Result<(), Failure> {
    let tuning = &args.tuning;
    let cloud = args.cloud_models.iter().map(|model| ("--cloud-model", &model.file));
    for (flag, file) in tuning.vehicle_model.iter().map(|file| ("--vehicle-model", file)).chain(cloud) {
        std::fs::File::open(file).and_then(|file| file.metadata()).map_err(|error| missing(flag, file, &error))?;
        if !file.is_file() {
            return Err(Failure::Config(format!("{flag} {}: not a file; an ONNX model is wanted", file.display())));
        }
    }
    for (flag, path) in [("--frames", &tuning.frames), ("--labels", &tuning.labels)] {
        if let Some(path) = path {
            std::fs::metadata(path).map_err(|error| missing(flag, path, &error))?;
        }
    }
    Ok(())
}

fn missing(flag: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::Config(format!("{flag} {}: cannot be read: {error}", path.display()))
}

/// The link on a thread of its own, and what ends it; it outlives the car, so that the car can say goodbye.
struct RunningLink {
    emulator: Thread,
    counters: LinkHandle,
    stop: StopToken,
    live: link::LiveLink,
}

fn start_link(args: &DemoArgs, trace: Trace, server: std::net::SocketAddr) -> Result<RunningLink, Failure> {
    let config = LinkConfig::new((Ipv4Addr::LOCALHOST, 0).into(), server, trace);
    let mut config = link::shape(config, args.rtt, args.loss);
    config.seed = args.tuning.seed.unwrap_or(config.seed);
    config.script = link::script(args.link_script.as_deref())?;
    let (emulator, counters) = Link::bind(config).map_err(link::failure)?;
    let live = link::LiveLink::open(&counters, args.link_control.as_deref())?;
    let stop = StopToken::default();
    let spec = ThreadSpec::named("link");
    let running = stop.clone();
    let body = move || emulator.run(&running).map(drop).map_err(|error| error.to_string());
    let emulator = spawn(&spec, Strictness::BestEffort, &stop, body).map_err(Failure::run)?;
    Ok(RunningLink { emulator, counters, stop, live })
}

/// The link as the car's `run.yaml` is to have it; a script, or whoever sends commands, may have changed it since.
fn emulated(args: &DemoArgs, began: Monotonic) -> Result<String, Failure> {
    let link = EmulatedLink {
        trace: args.trace.as_deref().map(|file| std::path::absolute(file).unwrap_or_else(|_| file.to_owned())),
        mean_mbps: args.mean_mbps,
        rtt_ms: args.rtt.as_secs_f64() * 1e3,
        loss: args.loss,
        seed: args.tuning.seed,
        began_monotonic_ns: began.as_ns(),
    };
    serde_json::to_string(&link).map_err(Failure::run)
}

/// What the parts of the demo share.
struct Demo<'a> {
    dir: &'a Path,
    certs: &'a Path,
    output_dir: &'a Path,
    emulated: &'a str,
    stop: &'a StopToken,
    bell: &'a Doorbell,
}

impl Demo<'_> {
    fn cloud_command(&self, models: &[ModelFile], listen: std::net::SocketAddr) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec![
            "cloud".into(),
            self.dir.join("config/demo-cloud.yaml").into(),
            "--listen".into(),
            listen.to_string().into(),
            "--certs".into(),
            self.certs.into(),
            "--output-dir".into(),
            self.output_dir.into(),
        ];
        for model in models {
            let mut named = OsString::from(format!("{}=", model.name));
            named.push(&model.file);
            words.extend(["--model".into(), named]);
        }
        words
    }

    fn car_command(&self, args: &DemoArgs, cloud: std::net::SocketAddr) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec![
            "car".into(),
            self.dir.join("config/demo-car.yaml").into(),
            "--cloud".into(),
            cloud.to_string().into(),
            "--certs".into(),
            self.certs.into(),
            emulated::FLAG.into(),
            self.emulated.into(),
        ];
        for model in &args.cloud_models {
            words.extend(["--cloud-model-name".into(), model.name.clone().into()]);
        }
        let tuning = car::Tuning { output_dir: Some(self.output_dir.to_owned()), ..args.tuning.clone() };
        words.extend(tuning.to_flags());
        words
    }

    fn pause(&self, seen: u32) {
        self.bell.wait_until(seen, Monotonic::now().plus(PERIOD));
    }

    /// Waits for the cloud, then runs the car to its end.
    fn run(
        &self,
        keeper: &mut CloudKeeper,
        args: &DemoArgs,
        link: &LinkHandle,
        emulator: &Thread,
    ) -> Result<(), Failure> {
        let patience = Monotonic::now().plus(CLOUD_START);
        while !keeper.is_listening() && !self.stop.is_set() && Monotonic::now() < patience {
            let seen = self.bell.count();
            keeper.look(Monotonic::now())?;
            self.pause(seen);
        }
        if self.stop.is_set() {
            return Ok(());
        }
        let mut car = Child::start(&self.car_command(args, link.listen_addr()), None)?;
        let mut kill_at = None;
        loop {
            let seen = self.bell.count();
            if let Some(status) = car.ended() {
                return car_end(status);
            }
            if self.stop.is_set() || emulator.is_finished() {
                let kill_at = *kill_at.get_or_insert_with(|| {
                    keeper.terminate();
                    car.terminate();
                    Monotonic::now().plus(END_TIME)
                });
                if Monotonic::now() >= kill_at {
                    car.kill();
                    return Err(Failure::Run("the car did not end in time and was killed".to_owned()));
                }
            } else {
                keeper.look(Monotonic::now())?;
            }
            self.pause(seen);
        }
    }
}

/// The car's exit code becomes the demo's.
fn car_end(status: ExitStatus) -> Result<(), Failure> {
    let text = format!("the car failed ({status})");
    match status.code() {
        Some(0) => Ok(()),
        Some(2) => Err(Failure::Usage(text)),
        Some(78) => Err(Failure::Config(text)),
        _ => Err(Failure::Run(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn the_cars_exit_code_is_the_demos() {
        for code in [2, 78, 1] {
            let failure = car_end(ExitStatus::from_raw(code << 8)).expect_err("a failure");
            assert_eq!(i32::from(failure.exit_code()), code);
        }
        assert!(car_end(ExitStatus::from_raw(0)).is_ok());
        assert_eq!(car_end(ExitStatus::from_raw(9)).expect_err("killed").exit_code(), 1);
    }
}
