//! `turbo link self-test`: how true the emulator is on this machine.

use std::time::Duration;

use rt_core::stop::StopToken;
use transport::link::{LinkSnapshot, SelfTest, SelfTestError};

use crate::failure::Failure;
use crate::{quantities, signals};

/// Measure how true the emulator is on this machine: round trips and a rate through a real relay on loopback.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: turbo link self-test --for 10s --json\n\
                  Exit code 1 where the median round trip is not within 0 to 0.5 ms above what was asked for, or the \
                  rate not within 0.5 %.")]
pub struct SelfTestArgs {
    /// Delay in each direction.
    #[arg(long, value_name = "DURATION", default_value = "20ms", value_parser = quantities::round_trip)]
    pub one_way: Duration,
    /// Rate of the uplink, Mbit/s.
    #[arg(long, value_name = "MBIT/S", default_value = "10", value_parser = quantities::positive_megabits)]
    pub rate_mbps: f64,
    /// How long each of the two is measured.
    #[arg(long = "for", value_name = "DURATION", default_value = "5s", value_parser = quantities::run_length)]
    pub each_for: Duration,
    /// Print the measurement as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Measures and prints.
///
/// # Errors
/// [`Failure::Run`] where nothing could be measured, or the emulator is out of its bounds.
pub fn run(args: &SelfTestArgs) -> Result<(), Failure> {
    let stop = StopToken::default();
    signals::stop_on_signals(&stop)?;
    let plan = SelfTest { one_way: args.one_way, rate_bps: (args.rate_mbps * 1e6) as u64, each_for: args.each_for };
    let found = plan.run(&stop).map_err(|error| match error {
        SelfTestError::Link(error) => super::failure(error),
        other => Failure::run(other),
    })?;
    if args.json {
        println!("{}", serde_json::to_string(&found).map_err(Failure::run)?);
    } else {
        let (trips, rate) = (&found.round_trips, &found.rate);
        println!(
            "round trip: {:.3} ms asked for, {:.3} ms the median of {} (least {:.3}, p95 {:.3}, p99 {:.3}, most {:.3}){}",
            trips.asked_ms,
            trips.median_ms,
            trips.measured,
            trips.least_ms,
            trips.p95_ms,
            trips.p99_ms,
            trips.most_ms,
            late(&found.round_trips_link),
        );
        println!(
            "rate: {:.3} Mbit/s asked for, {:.4} Mbit/s measured over {} packets (ratio {:.5}){}",
            rate.asked_mbps,
            rate.measured_mbps,
            rate.measured,
            rate.ratio,
            late(&found.rate_link),
        );
    }
    if found.within_bounds() {
        return Ok(());
    }
    Err(Failure::Run(
        "the emulator is out of its bounds on this machine: the median round trip is wanted within 0 to 0.5 ms above \
         what was asked for, the rate within 0.5 %; let nothing else run, or give the link a core of its own"
            .to_owned(),
    ))
}

fn late(link: &LinkSnapshot) -> String {
    let all = link.up.passed_packets + link.down.passed_packets;
    let late = link.up.late_1ms + link.down.late_1ms;
    format!("; {late} of {all} packets more than 1 ms late, at most {:.3} ms", super::latest_ms(link))
}
