//! `turbo cloud`: the cloud's side.

use std::net::SocketAddr;
use std::path::PathBuf;

use config::Profile;
use config::cloud::{CloudProfile, ModelFile, TlsConfig};

use transport::certs::TlsFiles;

use crate::cloud;
use crate::failure::Failure;

/// Run the cloud: QUIC gateway and detection workers.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: turbo cloud config/cloud.yaml --listen 0.0.0.0:4433")]
pub struct CloudArgs {
    /// The cloud's profile (YAML).
    pub config: PathBuf,
    /// Where cars are received (UDP), in place of the profile's; port 0 takes any free one.
    #[arg(long, value_name = "IP:PORT")]
    pub listen: Option<SocketAddr>,
    /// Folder with ca.pem, cloud.pem and cloud.key, in place of the profile's files.
    #[arg(long, value_name = "DIR")]
    pub certs: Option<PathBuf>,
    /// A detector on offer (ONNX), again for each; together they replace the profile's list.
    #[arg(long = "model", value_name = "NAME=FILE", value_parser = named_model)]
    pub models: Vec<ModelFile>,
    /// Where run directories are made, in place of the profile's.
    #[arg(long, value_name = "DIR")]
    pub output_dir: Option<PathBuf>,
}

/// Parses `NAME=FILE`.
///
/// # Errors
/// What was written and what would be right.
pub fn named_model(text: &str) -> Result<ModelFile, String> {
    match text.split_once('=') {
        Some((name, file)) if !name.trim().is_empty() && !file.is_empty() => {
            Ok(ModelFile { name: name.trim().to_owned(), file: file.into() })
        }
        _ => Err(format!("{text:?} is not a name and a file; write NAME=FILE, such as edd4=models/edd4.onnx")),
    }
}

/// Runs the cloud until it is told to stop.
///
/// # Errors
/// [`Failure`], with the exit code that fits.
pub fn run(args: &CloudArgs) -> Result<(), Failure> {
    let mut profile = CloudProfile::load(&args.config).map_err(Failure::config)?;
    if let Some(listen) = args.listen {
        profile.listen = listen.to_string();
    }
    if let Some(certs) = &args.certs {
        let TlsFiles { ca, certificate, key } = TlsFiles::of(certs, "cloud");
        profile.tls = TlsConfig { ca, certificate, key, ..profile.tls };
    }
    if !args.models.is_empty() {
        profile.models = config::Unique::new(args.models.clone())
            .map_err(|report| Failure::Config(format!("--model: {}", report.to_string().trim_end())))?;
    }
    if let Some(output_dir) = &args.output_dir {
        profile.logs.output_dir.clone_from(output_dir);
    }
    cloud::run(&profile)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_a_name_and_a_file_which_may_hold_further_equals_signs() {
        let model = named_model("edd4=models/a=b.onnx");
        assert_eq!(model, Ok(ModelFile { name: "edd4".into(), file: "models/a=b.onnx".into() }));
        for wrong in ["", "edd4", "=file", "edd4=", " =file"] {
            assert!(named_model(wrong).is_err_and(|error| error.contains("NAME=FILE")), "{wrong:?}");
        }
    }
}
