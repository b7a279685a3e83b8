//! The verbs, one file each.

pub mod bench;
pub mod calibrate;
pub mod car;
pub mod certs;
pub mod check;
pub mod cloud;
pub mod control;
pub mod demo;
pub mod doctor;
pub mod link;
pub mod recover;
pub mod report;
pub mod simulate;
pub mod tail;
pub mod top;

use crate::failure::Failure;

/// What turbo can be told to do.
#[derive(clap::Subcommand)]
pub enum Verb {
    /// Car, cloud and emulated cellular link on this machine.
    Demo(demo::DemoArgs),
    /// The vehicle's side: cameras, on-vehicle detector, uplink, decisions.
    Car(car::CarArgs),
    /// The cloud's side: QUIC gateway and detection workers.
    Cloud(cloud::CloudArgs),
    /// Tell a running car or link something.
    Control(control::ControlArgs),
    /// Follow what a running car or cloud tells, or read what a run has told.
    Tail(tail::TailArgs),
    /// Watch a running car or cloud: threads, rings, hops, allocation, link, decisions.
    Top(top::TopArgs),
    /// Make certificates for clouds and cars, and look at them.
    Certs(certs::CertsArgs),
    /// The link emulator alone: a UDP relay with the rate of a recorded trace.
    Link(link::LinkArgs),
    /// Measure a model family on this machine and write its utility table.
    Calibrate(calibrate::CalibrateArgs),
    /// Whether profiles and utility tables are right, without starting anything.
    Check(check::CheckArgs),
    /// Whether this machine, a profile and its utility table belong together.
    Doctor(doctor::DoctorArgs),
    /// Measure the hand-overs beside what one would otherwise use, or soak them with faults.
    Bench(bench::BenchArgs),
    /// Complete the logs of runs that were killed.
    Recover(recover::RecoverArgs),
    /// Say where the time of a run went, from its logs; or check them.
    Report(report::ReportArgs),
    /// Allocation policies on uplink traces, simulated much faster than real time.
    Simulate(simulate::SimulateArgs),
}

/// Runs a verb.
///
/// # Errors
/// [`Failure`], with the exit code that fits.
pub fn run(verb: &Verb) -> Result<(), Failure> {
    match verb {
        Verb::Demo(args) => demo::run(args),
        Verb::Car(args) => car::run(args),
        Verb::Cloud(args) => cloud::run(args),
        Verb::Control(args) => control::run(args),
        Verb::Tail(args) => tail::run(args),
        Verb::Top(args) => top::run(args),
        Verb::Certs(args) => certs::run(args),
        Verb::Link(args) => link::run(args),
        Verb::Calibrate(args) => calibrate::run(args),
        Verb::Check(args) => check::run(args),
        Verb::Doctor(args) => doctor::run(args),
        Verb::Bench(args) => bench::run(args),
        Verb::Recover(args) => recover::run(args),
        Verb::Report(args) => report::run(args),
        Verb::Simulate(args) => simulate::run(args),
    }
}
