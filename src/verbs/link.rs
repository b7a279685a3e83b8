//! `turbo link`: the link emulator alone, what it is told while it runs, and how true it is.

mod control;
mod live;
mod self_test;
mod send;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::stop::StopToken;
use transport::link::{
    Command, DirectionSnapshot, Link, LinkConfig, LinkError, LinkHandle, LinkSnapshot, Script, Trace, VOCABULARY,
};

use crate::failure::Failure;
use crate::quantities;
use crate::signals;
pub use live::LiveLink;

/// Length of the generated default trace, after which it repeats.
const GENERATED: Duration = Duration::from_secs(300);
/// Mean rate of the generated default trace.
const GENERATED_BPS: u64 = 18_000_000;
/// Seed of the generated default trace.
pub const DEFAULT_SEED: u64 = 1;

/// Most commands of `--set`: a link that does not run yet keeps no more.
const MOST_SET: usize = 64;

/// Run the link emulator: a UDP relay with the rate of a recorded trace.
#[derive(clap::Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_help = examples())]
pub struct LinkArgs {
    /// Something else than to relay.
    #[command(subcommand)]
    pub action: Option<Action>,
    /// The relay.
    #[command(flatten)]
    pub relay: RelayArgs,
}

/// What `turbo link` can do beside relaying.
#[derive(clap::Subcommand, Debug)]
pub enum Action {
    /// Tell a running link something, and print what it answers.
    Send(send::SendArgs),
    /// Measure how true the emulator is on this machine.
    SelfTest(self_test::SelfTestArgs),
}

/// What the relay is told at its start.
#[derive(clap::Args, Debug)]
pub struct RelayArgs {
    /// Where cars send to (UDP); port 0 takes any free one.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Where the cloud listens (UDP).
    #[arg(long, value_name = "IP:PORT", required = true)]
    pub server: Option<SocketAddr>,
    /// Uplink trace: one line per 1500-byte delivery opportunity, in ms; a generated one without it.
    #[arg(long, value_name = "FILE", conflicts_with = "rate_mbps")]
    pub trace: Option<PathBuf>,
    /// A constant uplink rate, Mbit/s; at 0 nothing passes.
    #[arg(long, value_name = "MBIT/S", value_parser = quantities::megabits)]
    pub rate_mbps: Option<f64>,
    /// Scales the trace to this mean, Mbit/s; at 0 nothing passes.
    #[arg(long, value_name = "MBIT/S", value_parser = quantities::megabits, conflicts_with = "rate_mbps")]
    pub mean_mbps: Option<f64>,
    /// Round trip on the idle link, half of it in each direction.
    #[arg(long, value_name = "DURATION", default_value = "40ms", value_parser = quantities::round_trip)]
    pub rtt: Duration,
    /// Probability that a packet is lost, in either direction, 0 to 1.
    #[arg(long, value_name = "PROBABILITY", default_value_t = 0.0, value_parser = quantities::probability)]
    pub loss: f64,
    /// Drop-tail queue of the uplink, kilobytes (1000 bytes).
    #[arg(long, value_name = "KB", default_value_t = 125, value_parser = quantities::whole::<u64>("queue", 2..=10_000_000, "125"))]
    pub queue_kb: u64,
    /// A command to begin with (see below), again for each.
    #[arg(long = "set", value_name = "COMMAND", value_parser = command)]
    pub set: Vec<Command>,
    /// What happens while it runs: lines of a time and a command, such as `10s rate up 3`.
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,
    /// Take commands at this UNIX socket while it runs, as `turbo link send` sends them.
    #[arg(long, value_name = "PATH")]
    pub control: Option<PathBuf>,
    /// Seed of what befalls the packets and of the generated trace.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SEED, value_parser = quantities::seed)]
    pub seed: u64,
    /// End after this long; for ever without it.
    #[arg(long = "for", value_name = "DURATION", value_parser = quantities::run_length)]
    pub run_for: Option<Duration>,
    /// Print the counters as one JSON object at the end.
    #[arg(long)]
    pub json: bool,
}

fn examples() -> String {
    format!(
        "Examples:\n\
         \x20 turbo link --listen 127.0.0.1:4434 --server 127.0.0.1:4433 --rtt 60ms --loss 0.01\n\
         \x20 turbo link --server 127.0.0.1:4433 --rate-mbps 10 --set 'burst up 2% 8' --set 'reorder up 1% 5ms'\n\
         \x20 turbo link --server 127.0.0.1:4433 --script storm.link --control /tmp/link\n\
         \x20 turbo link send /tmp/link 'rate up 3' 'blackout both on' stats\n\
         \x20 turbo link self-test\n\
         \n\
         Commands, for --set and `turbo link send`, and in a script after a time (`90s blackout up on`; a last line \
         `120s repeat` begins it again):\n{VOCABULARY}"
    )
}

fn command(text: &str) -> Result<Command, String> {
    Command::parse(text, Path::new(".")).map_err(|error| error.to_string())
}

/// The uplink's trace: a file or the generated one, brought to a mean where one is asked for.
///
/// # Errors
/// [`Failure::Config`] with the trace's file and line.
pub fn uplink_trace(file: Option<&Path>, mean_mbps: Option<f64>, seed: Option<u64>) -> Result<Trace, Failure> {
    let seed = seed.unwrap_or(DEFAULT_SEED);
    let trace = match file {
        Some(file) => Trace::load(file).map_err(Failure::config)?,
        None => Trace::generated(seed, GENERATED, GENERATED_BPS),
    };
    match mean_mbps {
        None => Ok(trace),
        Some(0.0) => Ok(Trace::fixed(0)),
        Some(mean) => trace.scaled_to_mean(mean * 1e6).map_err(Failure::config),
    }
}

/// Half of `rtt` in each direction and `loss` in both.
#[must_use]
pub fn shape(mut config: LinkConfig, rtt: Duration, loss: f64) -> LinkConfig {
    config.up = config.up.delayed(rtt / 2).lossy(loss);
    config.down = config.down.delayed(rtt / 2).lossy(loss);
    config
}

/// A link that cannot be is a wrong configuration; an address in use is a failure of the run.
pub fn failure(error: LinkError) -> Failure {
    match error {
        LinkError::Listen { .. } | LinkError::Wait(_) | LinkError::Ended => Failure::run(error),
        LinkError::Server { .. }
        | LinkError::Rebind { .. }
        | LinkError::Path(_)
        | LinkError::Mtu { .. }
        | LinkError::NoRoom { .. } => Failure::config(error),
    }
}

/// The script of a link; an empty one without a file.
///
/// # Errors
/// [`Failure::Config`] with the script's file, line and column.
pub fn script(file: Option<&Path>) -> Result<Script, Failure> {
    file.map_or(Ok(Script::default()), |file| Script::load(file).map_err(Failure::config))
}

/// Relays until it is told to stop, or does what else is asked for.
///
/// # Errors
/// [`Failure`], with the exit code that fits.
pub fn run(args: &LinkArgs) -> Result<(), Failure> {
    match &args.action {
        None => relay(&args.relay),
        Some(Action::Send(args)) => send::run(args),
        Some(Action::SelfTest(args)) => self_test::run(args),
    }
}

fn relay(args: &RelayArgs) -> Result<(), Failure> {
    let stop = StopToken::default();
    signals::stop_on_signals(&stop)?;
    let server = args.server.ok_or_else(|| Failure::Usage("--server IP:PORT is missing".to_owned()))?;
    let trace = match args.rate_mbps {
        Some(rate) => Trace::fixed((rate * 1e6) as u64),
        None => uplink_trace(args.trace.as_deref(), args.mean_mbps, Some(args.seed))?,
    };
    let name = trace.name().to_owned();
    let mean_mbps = trace.mean_bps() / 1e6;
    let mut config = shape(LinkConfig::new(args.listen, server, trace), args.rtt, args.loss);
    config.up.queue_bytes = args.queue_kb.saturating_mul(1000);
    config.seed = args.seed;
    config.script = script(args.script.as_deref())?;
    let (link, handle) = Link::bind(config).map_err(failure)?;
    begin_with(&args.set, &handle)?;
    let live = LiveLink::open(&handle, args.control.as_deref())?;
    eprintln!("uplink: {name}, {mean_mbps:.1} Mbit/s on average");
    eprintln!("listening on {}, relaying to {server}", handle.listen_addr());
    if let Some(run_for) = args.run_for {
        stop_after(run_for, &stop);
    }
    let counters = link.run(&stop).map_err(failure);
    live.end();
    let counters = counters?;
    if args.json {
        println!("{}", serde_json::to_string(&counters).map_err(Failure::run)?);
    } else {
        println!("{}", summary(&counters));
    }
    Ok(())
}

/// Gives a link that does not run yet its first commands.
fn begin_with(commands: &[Command], link: &LinkHandle) -> Result<(), Failure> {
    if commands.len() > MOST_SET {
        return Err(Failure::Usage(format!("--set is given {} times; {MOST_SET} at most", commands.len())));
    }
    commands.iter().try_for_each(|command| link.command(command.clone()).map_err(failure))
}

/// A timer that ends early when the stop comes from elsewhere.
fn stop_after(run_for: Duration, stop: &StopToken) {
    let (end, stop, bell) = (Monotonic::now().plus(run_for), stop.clone(), Doorbell::futex());
    stop.wakes(&bell);
    std::thread::spawn(move || {
        while !stop.is_set() && Monotonic::now() < end {
            let seen = bell.count();
            if !stop.is_set() {
                bell.wait_until(seen, end);
            }
        }
        stop.set();
    });
}

/// The counters for a person.
#[must_use]
pub fn summary(counters: &LinkSnapshot) -> String {
    let line = |name: &str, way: &DirectionSnapshot| {
        let lost = way.dropped_loss + way.dropped_burst;
        format!(
            "{name}: {} packets in, {} out ({:.1} MB), {} lost at random, {} in bursts, {} dropped by the full queue, \
             {} otherwise; {} reordered, {} duplicated, {} corrupted",
            way.offered_packets,
            way.passed_packets,
            way.passed_bytes as f64 / 1e6,
            way.dropped_loss,
            way.dropped_burst,
            way.dropped_queue,
            way.dropped_packets() - lost - way.dropped_queue,
            way.reordered,
            way.duplicated,
            way.corrupted,
        )
    };
    format!(
        "{}\n{}\nemulation: {} packets more than 1 ms late, at most {:.3} ms",
        line("uplink", &counters.up),
        line("downlink", &counters.down),
        counters.up.late_1ms + counters.down.late_1ms,
        latest_ms(counters),
    )
}

/// The most that a packet was late in either direction, ms.
fn latest_ms(counters: &LinkSnapshot) -> f64 {
    counters.up.latest_us.max(counters.down.latest_us) as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_of_zero_is_a_dead_link_and_another_scales_the_generated_trace() {
        let dead = uplink_trace(None, Some(0.0), None).expect("a trace");
        assert_eq!(dead.bits_by(Duration::from_secs(100)), 0);
        let scaled = uplink_trace(None, Some(7.0), Some(3)).expect("a trace");
        assert!((scaled.mean_bps() / 7e6 - 1.0).abs() < 0.01, "{}", scaled.mean_bps());
    }
}
