//! `turbo certs`: a small authority for development, the certificates it issues, and what a certificate says.

mod issue;
mod show;

use std::path::PathBuf;

use transport::certs::{CLOUD_NAME, CertError};

use crate::failure::Failure;
use crate::quantities;

/// Make certificates for clouds and cars, and look at them.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example: turbo certs init certs && turbo certs issue certs --car north-1 && turbo certs show certs/north-1/car.pem"
)]
pub struct CertsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Make an authority, whose key is kept, and a cloud's certificate.
    Init(InitArgs),
    /// Issue a certificate of a car or a cloud, in a folder ready for `--certs`.
    Issue(IssueArgs),
    /// Say whose a certificate is, what it is good for, and until when.
    Show(ShowArgs),
}

/// Make an authority, whose key is kept, and a cloud's certificate.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: turbo certs init certs --name cloud.example --days 90\n\n\
    Makes ca.pem and ca.key (whoever has it can make cars: keep it off cloud and cars), cloud.pem and cloud.key.\n\
    Nothing that exists is overwritten.")]
struct InitArgs {
    /// The folder, made where it is missing.
    dir: PathBuf,
    /// The cloud's name, which cars ask for (`server_name` in their profile).
    #[arg(long, value_name = "DNS", default_value = CLOUD_NAME)]
    name: String,
    /// How long the cloud's certificate is good for.
    #[arg(long, value_name = "DAYS", value_parser = quantities::whole::<u32>("number of days", 1..=36_500, "90"))]
    days: Option<u32>,
    /// How long the authority is.
    #[arg(long, value_name = "DAYS", default_value_t = transport::certs::Authority::OWN_DAYS,
          value_parser = quantities::whole::<u32>("number of days", 1..=36_500, "90"))]
    authority_days: u32,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Issue a certificate of a car or a cloud, in a folder ready for `--certs`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples: turbo certs issue certs --car north-1\n          \
    turbo certs issue certs --cloud --name cloud.example --days 30\n          \
    turbo certs issue certs --car north-1 --replace   (another certificate of the same car)\n\n\
    A running car or cloud reads its certificates again on SIGHUP.")]
#[command(group(clap::ArgGroup::new("subject").required(true).args(["car", "fleet", "cloud"])))]
struct IssueArgs {
    /// The authority's folder, as `turbo certs init` made it.
    dir: PathBuf,
    /// For this car; without a UUID it gets one of its own.
    #[arg(long, value_name = "NAME[/UUID]")]
    car: Option<String>,
    /// For any car of a fleet; a cloud takes it only with `fleet_certificates: true`.
    #[arg(long)]
    fleet: bool,
    /// For a cloud.
    #[arg(long)]
    cloud: bool,
    /// The cloud's name, which cars ask for.
    #[arg(long, value_name = "DNS", requires = "cloud")]
    name: Option<String>,
    /// How long it is good for; without this a year, or as long as the authority.
    #[arg(long, value_name = "DAYS", value_parser = quantities::whole::<u32>("number of days", 1..=36_500, "90"))]
    days: Option<u32>,
    /// The folder for it; without this one within the authority's, by the car's or the cloud's name.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Replace the certificate that is there; a car keeps its UUID.
    #[arg(long)]
    replace: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Say whose a certificate is, what it is good for, and until when.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: turbo certs show certs/cloud.pem --json")]
struct ShowArgs {
    /// A PEM file with one certificate or more.
    file: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Makes, issues or shows.
///
/// # Errors
/// [`Failure`], with the exit code that fits.
pub fn run(args: &CertsArgs) -> Result<(), Failure> {
    match &args.action {
        Action::Init(args) => issue::init(args),
        Action::Issue(args) => issue::issue(args),
        Action::Show(args) => show::run(args),
    }
}

fn failure(error: CertError) -> Failure {
    match error {
        CertError::Write { .. } | CertError::Exists { .. } | CertError::Generate { .. } => Failure::run(error),
        CertError::Outlives { .. } => Failure::Usage(format!("--days: {error}")),
        _ => Failure::config(error),
    }
}
