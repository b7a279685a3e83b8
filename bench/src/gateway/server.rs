//! The gateway in a process of its own, so that what it uses is known apart from what its cars use.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use transport::certs::TlsFiles;
use transport::gateway::Offence;
use transport::wire::menu::{CloudMenu, ModelEntry};

use crate::cloud::NullCloud;
use crate::cpu::CpuClock;
use crate::error::{BenchError, Result};
use crate::seat::bind_child;

/// The hidden verb that starts it.
pub const VERB: &str = "serve-gateway";
/// Models of the menu and their classes: as many as the shipped tables have.
const MODELS: usize = 4;
const CLASSES: usize = 80;

/// What the process says when it is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sample {
    /// Processor time of the gateway's thread so far, nanoseconds.
    pub gateway_ns: u64,
    /// Processor time of the whole process so far, its worker's included.
    pub process_ns: u64,
    /// Memory that it has of the machine.
    pub resident_bytes: u64,
    /// Cars that are here.
    pub cars: u64,
    /// Everything refused so far, of any kind.
    pub offences: u64,
    /// The gateway's counts in words.
    pub told: String,
}

/// The process; killed where it has not ended by itself.
pub struct Server {
    child: Child,
    /// Closed to end it.
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// Where its gateway listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts it with the certificates in `dir`.
    ///
    /// # Errors
    /// Where it ends instead.
    pub fn start(dir: &Path) -> Result<Self> {
        let program = std::env::current_exe().map_err(BenchError::system("the path of this program"))?;
        let mut command = Command::new(program);
        command.arg(VERB).arg(dir).stdin(Stdio::piped()).stdout(Stdio::piped());
        bind_child(&mut command);
        let mut child = command.spawn().map_err(BenchError::system("starting the gateway's process"))?;
        let (Some(questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(BenchError::Closed("the gateway's process has no pipes".to_owned()));
        };
        let address = (std::net::Ipv4Addr::LOCALHOST, 0).into();
        let mut server = Self { child, questions: Some(questions), answers: BufReader::new(answers), address };
        server.address = server.line()?.trim().parse().map_err(BenchError::library("the gateway's address"))?;
        Ok(server)
    }

    /// What it has used and counted so far.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn sample(&mut self) -> Result<Sample> {
        if let Some(questions) = &mut self.questions {
            let asked = questions.write_all(b"sample\n").and_then(|()| questions.flush());
            asked.map_err(BenchError::system("asking the gateway's process"))?;
        }
        serde_json::from_str(&self.line()?).map_err(BenchError::library("the gateway's answer"))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line).map_err(BenchError::system("hearing the gateway's process"))?;
        if read == 0 {
            return Err(BenchError::Closed("the gateway's process has ended".to_owned()));
        }
        Ok(line)
    }

    /// Ends it in good order.
    ///
    /// # Errors
    /// Where it fails.
    pub fn end(mut self) -> Result<()> {
        self.questions = None;
        let status = self.child.wait().map_err(BenchError::system("the gateway's end"))?;
        let words = vec![VERB.to_owned()];
        if status.success() { Ok(()) } else { Err(BenchError::Child { words, reason: format!("{status}") }) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail where it has ended and been waited for, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The process's own work: a gateway, and a sample for every line on standard input until that ends.
///
/// # Errors
/// Where the gateway cannot start, or nobody listens any more.
pub fn serve(dir: &Path) -> Result<()> {
    let cloud = NullCloud::start(TlsFiles::of(dir, "cloud"), menu())?;
    let (gateway, process) = (cloud.gateway_clock()?, CpuClock::of_process(std::process::id())?);
    let mut stdout = std::io::stdout();
    let mut say = |line: String| {
        writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(BenchError::system("answering"))
    };
    say(cloud.address.to_string())?;
    for line in std::io::stdin().lines() {
        line.map_err(BenchError::system("hearing questions"))?;
        let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let stats = &cloud.stats;
        let sample = Sample {
            gateway_ns: ns(gateway.time()?),
            process_ns: ns(process.time()?),
            resident_bytes: crate::soak::Sample::take().map_or(0, |sample| sample.resident_bytes),
            cars: stats.cars(),
            offences: Offence::ALL.iter().map(|offence| stats.offences(*offence)).sum(),
            told: stats.to_string(),
        };
        say(serde_json::to_string(&sample).map_err(BenchError::library("writing JSON"))?)?;
    }
    cloud.end()
}

/// A menu of the usual size; the first model is the one that is asked for.
fn menu() -> CloudMenu {
    let model = |number: usize| ModelEntry {
        name: format!("edd{}", number + 1),
        input_width: 512,
        input_height: 512,
        classes: (0..CLASSES).map(|class| format!("class number {class}")).collect(),
        p50_us: 0,
        p95_us: 0,
        workers: 0,
    };
    CloudMenu { models: (0..MODELS).map(model).collect() }
}
