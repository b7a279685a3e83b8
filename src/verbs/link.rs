//! `turbo link`: the link emulator alone.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::stop::StopToken;
use transport::link::{Link, LinkConfig, LinkError, LinkSnapshot, Trace};

use crate::failure::Failure;
use crate::quantities;
use crate::signals;

/// Length of the generated default trace, after which it repeats.
const GENERATED: Duration = Duration::from_secs(300);
/// Mean rate of the generated default trace.
const GENERATED_BPS: u64 = 18_000_000;
/// Seed of the generated default trace.
const DEFAULT_SEED: u64 = 1;

/// Run the link emulator: a UDP relay with the rate of a recorded trace.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: turbo link --listen 127.0.0.1:4434 --server 127.0.0.1:4433 --rtt 60ms --loss 0.01")]
pub struct LinkArgs {
    /// Where cars send to (UDP); port 0 takes any free one.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Where the cloud listens (UDP).
    #[arg(long, value_name = "IP:PORT")]
    pub server: SocketAddr,
    /// Uplink trace: one line per 1500-byte delivery opportunity, in ms; a generated one without it.
    #[arg(long, value_name = "FILE", conflicts_with = "rate_mbps")]
    pub trace: Option<PathBuf>,
    /// A constant uplink rate, Mbit/s; at 0 nothing passes.
    #[arg(long, value_name = "MBIT/S", value_parser = megabits)]
    pub rate_mbps: Option<f64>,
    /// Scales the trace to this mean, Mbit/s; at 0 nothing passes.
    #[arg(long, value_name = "MBIT/S", value_parser = megabits, conflicts_with = "rate_mbps")]
    pub mean_mbps: Option<f64>,
    /// Round trip on the idle link, half of it in each direction.
    #[arg(long, value_name = "DURATION", default_value = "40ms", value_parser = quantities::duration)]
    pub rtt: Duration,
    /// Probability that a packet is lost, in either direction, 0 to 1.
    #[arg(long, value_name = "PROBABILITY", default_value_t = 0.0)]
    pub loss: f64,
    /// Drop-tail queue of the uplink, kilobytes (1000 bytes).
    #[arg(long, value_name = "KB", default_value_t = 125)]
    pub queue_kb: u64,
    /// Seed of the losses and of the generated trace.
    #[arg(long, default_value_t = DEFAULT_SEED)]
    pub seed: u64,
    /// End after this long; for ever without it.
    #[arg(long = "for", value_name = "DURATION", value_parser = quantities::duration)]
    pub run_for: Option<Duration>,
    /// Print the counters as one JSON object at the end.
    #[arg(long)]
    pub json: bool,
}

/// Parses a rate in Mbit/s.
///
/// # Errors
/// What was written and what would be right.
pub fn megabits(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| (0.0..=1e6).contains(rate));
    rate.ok_or_else(|| format!("{text:?} is not a rate; write a number from 0 to 1000000, in Mbit/s, such as 18"))
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
        LinkError::Listen { .. } | LinkError::Wait(_) => Failure::run(error),
        LinkError::Server { .. } | LinkError::Path(_) | LinkError::Mtu { .. } | LinkError::NoRoom { .. } => {
            Failure::config(error)
        }
    }
}

/// Relays until it is told to stop.
///
/// # Errors
/// [`Failure`], with the exit code that fits.
pub fn run(args: &LinkArgs) -> Result<(), Failure> {
    let stop = StopToken::default();
    signals::stop_on_signals(&stop)?;
    let trace = match args.rate_mbps {
        Some(rate) => Trace::fixed((rate * 1e6) as u64),
        None => uplink_trace(args.trace.as_deref(), args.mean_mbps, Some(args.seed))?,
    };
    eprintln!("uplink: {}, {:.1} Mbit/s on average", trace.name(), trace.mean_bps() / 1e6);
    let mut config = shape(LinkConfig::new(args.listen, args.server, trace), args.rtt, args.loss);
    config.up.queue_bytes = args.queue_kb.saturating_mul(1000);
    config.seed = args.seed;
    let (link, handle) = Link::bind(config).map_err(failure)?;
    eprintln!("listening on {}, relaying to {}", handle.listen_addr(), args.server);
    if let Some(run_for) = args.run_for {
        stop_after(run_for, &stop);
    }
    let counters = link.run(&stop).map_err(failure)?;
    if args.json {
        println!("{}", serde_json::to_string(&counters).map_err(Failure::run)?);
    } else {
        println!("{}", summary(&counters));
    }
    Ok(())
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
    let line = |name: &str, way: &transport::link::DirectionSnapshot| {
        format!(
            "{name}: {} packets in, {} out ({:.1} MB), {} lost at random, {} dropped by the full queue, {} otherwise",
            way.offered_packets,
            way.passed_packets,
            way.passed_bytes as f64 / 1e6,
            way.dropped_loss,
            way.dropped_queue,
            way.dropped_packets() - way.dropped_loss - way.dropped_queue,
        )
    };
    format!("{}\n{}", line("uplink", &counters.up), line("downlink", &counters.down))
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

    #[test]
    fn rates_are_not_negative_and_finite() {
        assert_eq!(megabits("2.5"), Ok(2.5));
        for wrong in ["-1", "nan", "inf", "fast", ""] {
            assert!(megabits(wrong).is_err_and(|error| error.contains("Mbit/s")), "{wrong:?}");
        }
    }
}
