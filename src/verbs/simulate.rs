//! `turbo simulate`: what every policy is worth on recorded uplinks, without a car.

use std::path::PathBuf;
use std::time::Duration;

use allocation::policy::PolicyName;
use allocation::problem::MAX_COST_PER_MB;

use crate::failure::Failure;
use crate::quantities;
use crate::simulate::{self, Grid, report};
use crate::verbs::link;

/// The objectives that are simulated.
const LEAST_SLO: Duration = Duration::from_millis(1);
const MOST_SLO: Duration = Duration::from_secs(60);

/// What a live run decides by itself.
const LIKE_DECIDES: [&str; 21] = [
    "cost_per_mb",
    "traces",
    "mean_mbps",
    "rtt",
    "loss",
    "slo",
    "policies",
    "table",
    "services",
    "fps",
    "margin",
    "hysteresis",
    "cloud_workers",
    "staggered",
    "fifo",
    "length",
    "trace_from",
    "csv",
    "parquet",
    "plot",
    "course",
];

/// Simulate allocation policies on uplink traces, much faster than real time.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: turbo simulate --trace drive.up --mean-mbps 5,20,80 --rtt 20ms,50ms,100ms \
    --slo 150ms,200ms,250ms --plot utility.svg\n\
    As a live run: turbo simulate --like runs/client_main_2026-11-21_18-00-00")]
pub struct SimulateArgs {
    /// Simulate a run of `turbo demo` again (its `client_main_…` directory), and put what came of it beside what really did.
    #[arg(long, value_name = "RUN", conflicts_with_all = LIKE_DECIDES)]
    pub like: Option<PathBuf>,
    /// Uplink trace: one line per 1500-byte delivery opportunity, in ms; repeatable; a generated one without it.
    #[arg(long = "trace", value_name = "FILE")]
    pub traces: Vec<PathBuf>,
    /// Scales every trace to these means, Mbit/s; as recorded without it.
    #[arg(long, value_name = "MBIT/S,…", value_delimiter = ',', value_parser = quantities::positive_megabits)]
    pub mean_mbps: Vec<f64>,
    /// Round trips of the idle link.
    #[arg(long, value_name = "DURATION,…", value_delimiter = ',', default_value = "50ms", value_parser = quantities::round_trip)]
    pub rtt: Vec<Duration>,
    /// Probabilities that a packet is lost, below 1.
    #[arg(long, value_name = "PROBABILITY,…", value_delimiter = ',', default_value = "0", value_parser = loss)]
    pub loss: Vec<f64>,
    /// Objectives from capture to decision.
    #[arg(long, value_name = "DURATION,…", value_delimiter = ',', default_value = "200ms", value_parser = quantities::duration_within(LEAST_SLO..=MOST_SLO, "200ms"))]
    pub slo: Vec<Duration>,
    /// Policies: all, turbo, prototype, on-vehicle, equal-split, oracle, fixed:CONFIG; `all` has every configuration.
    #[arg(long = "policy", value_name = "POLICY,…", value_delimiter = ',', default_value = "all")]
    pub policies: Vec<String>,
    /// Utility table (YAML) with the menu; EfficientDet with the prototype's published costs without it.
    #[arg(long, value_name = "FILE")]
    pub table: Option<PathBuf>,
    /// Cameras, each a service with the whole menu.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = quantities::whole::<u8>("number of services", 1..=32, "3"))]
    pub services: u8,
    /// Frames per second of each camera.
    #[arg(long, value_name = "N", default_value_t = 5.0, value_parser = quantities::number("frame rate", 0.1..=1000.0, "5"))]
    pub fps: f64,
    /// Time kept free before each deadline for the decision.
    #[arg(long, value_name = "DURATION", default_value = "10ms", value_parser = quantities::duration_within(Duration::ZERO..=MOST_SLO, "10ms"))]
    pub margin: Duration,
    /// Accuracy that a change to a better configuration must gain.
    #[arg(long, value_name = "ACCURACY", default_value_t = 0.005, value_parser = quantities::number("accuracy", 0.0..=1.0, "0.005"))]
    pub hysteresis: f64,
    /// What a megabyte on the uplink costs, in weighted accuracy of one frame.
    #[arg(long, value_name = "ACCURACY", default_value_t = 0.0, value_parser = quantities::number("cost", 0.0..=MAX_COST_PER_MB, "0.1"))]
    pub cost_per_mb: f64,
    /// Workers of the cloud; one for every frame without it.
    #[arg(long, value_name = "N", value_parser = quantities::whole::<u16>("number of workers", 1..=65_535, "4"))]
    pub cloud_workers: Option<u16>,
    /// Spread the captures of the cameras over the period instead of all at once.
    #[arg(long)]
    pub staggered: bool,
    /// Send in order of readiness and finish whatever was begun, as the prototype's transport.
    #[arg(long)]
    pub fifo: bool,
    /// Simulate so much of each trace; a shorter trace is repeated.
    #[arg(long = "for", value_name = "DURATION", default_value = "120s", value_parser = quantities::run_length)]
    pub length: Duration,
    /// Begin so far into each trace.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = quantities::duration)]
    pub trace_from: Duration,
    /// Seed of sizes, times, losses and the generated trace.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = quantities::seed)]
    pub seed: u64,
    /// Print the runs as one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Write the runs as comma-separated values.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Write the runs as Parquet.
    #[arg(long, value_name = "FILE")]
    pub parquet: Option<PathBuf>,
    /// Draw utility against bandwidth (SVG).
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
    /// Draw the first cell of the grid over time (SVG).
    #[arg(long, value_name = "FILE")]
    pub course: Option<PathBuf>,
}

/// Simulates the grid and reports.
///
/// # Errors
/// [`Failure`], with the exit code that fits.
pub fn run(args: &SimulateArgs) -> Result<(), Failure> {
    if let Some(dir) = &args.like {
        let likeness = simulate::like::compare(dir, args.seed)?;
        if args.json {
            println!("{}", serde_json::to_string(&likeness).map_err(Failure::run)?);
        } else {
            print!("{}", simulate::like::text(&likeness));
        }
        return Ok(());
    }
    check_times(args)?;
    let table = simulate::table(args.table.as_deref())?;
    let policies = policies(&args.policies, &table)?;
    let grid = Grid { traces: traces(args)?, policies, args, table: &table };
    let results = grid.run()?;
    eprintln!("{}", results.speed());
    for (path, write) in [
        (&args.csv, report::csv as fn(&[simulate::Run]) -> Result<Vec<u8>, Failure>),
        (&args.parquet, report::parquet),
        (&args.plot, |runs| Ok(report::utility_plot(runs).into_bytes())),
        (&args.course, |runs| Ok(report::course_plot(runs).into_bytes())),
    ] {
        if let Some(path) = path {
            let bytes = write(&results.runs)?;
            let failed = |error| Failure::Run(format!("cannot write {}: {error}", path.display()));
            std::fs::write(path, bytes).map_err(failed)?;
        }
    }
    if args.json {
        println!("{}", report::json(&results.runs)?);
    } else {
        print!("{}", report::tables(&results.runs));
    }
    Ok(())
}

/// What each argument alone cannot tell.
fn check_times(args: &SimulateArgs) -> Result<(), Failure> {
    let period = Duration::from_secs_f64(1.0 / args.fps);
    if args.length < period {
        let (length, least) = (args.length, period);
        return Err(Failure::Usage(format!(
            "--for {length:?} holds no frame at --fps {}; write {least:?} or more",
            args.fps
        )));
    }
    if let Some(slo) = args.slo.iter().find(|slo| **slo <= args.margin) {
        let margin = args.margin;
        return Err(Failure::Usage(format!(
            "--margin {margin:?} leaves nothing of --slo {slo:?}; write a shorter margin"
        )));
    }
    for (index, file) in args.traces.iter().enumerate() {
        if args.traces.iter().take(index).any(|earlier| earlier == file) {
            return Err(Failure::Usage(format!("--trace {} stands there twice; name each trace once", file.display())));
        }
    }
    Ok(())
}

fn traces(args: &SimulateArgs) -> Result<Vec<simulate::NamedTrace>, Failure> {
    let files: Vec<Option<&PathBuf>> =
        if args.traces.is_empty() { vec![None] } else { args.traces.iter().map(Some).collect() };
    let means: Vec<Option<f64>> =
        if args.mean_mbps.is_empty() { vec![None] } else { args.mean_mbps.iter().copied().map(Some).collect() };
    let mut traces = Vec::new();
    for file in files {
        let recorded = link::uplink_trace(file.map(PathBuf::as_path), None, Some(args.seed))?;
        let name = file.map_or_else(|| format!("generated:{}", args.seed), |file| file.display().to_string());
        for mean in &means {
            let trace = match mean {
                Some(mean) => recorded.scaled_to_mean(mean * 1e6).map_err(Failure::config)?,
                None => recorded.clone(),
            };
            traces.push(simulate::NamedTrace { name: name.clone(), trace });
        }
    }
    Ok(traces)
}

fn policies(names: &[String], table: &config::table::UtilityTable) -> Result<Vec<PolicyName>, Failure> {
    let mut policies: Vec<PolicyName> = Vec::new();
    let mut add = |policy: PolicyName| {
        if !policies.contains(&policy) {
            policies.push(policy);
        }
    };
    for name in names {
        if name == "all" {
            add(PolicyName::OnVehicle);
            add(PolicyName::EqualSplit);
            add(PolicyName::Prototype);
            add(PolicyName::Turbo);
            add(PolicyName::Oracle);
            table.entries.iter().for_each(|entry| add(PolicyName::Fixed(entry.config.clone())));
        } else {
            let policy: PolicyName = name.parse().map_err(|error| Failure::Usage(format!("--policy: {error}")))?;
            if let PolicyName::Fixed(config) = &policy
                && !table.entries.iter().any(|entry| entry.config == *config)
            {
                let known: Vec<String> = table.entries.iter().map(|entry| entry.config.to_string()).collect();
                let known = known.join(", ");
                return Err(Failure::Config(format!("--policy {name}: the table has no {config}; it has {known}")));
            }
            add(policy);
        }
    }
    Ok(policies)
}

fn loss(text: &str) -> Result<f64, String> {
    let loss = text.parse().ok().filter(|loss: &f64| (0.0..1.0).contains(loss));
    loss.ok_or_else(|| format!("{text:?} is not a loss; write a number from 0 to below 1, such as 0.01"))
}
