//! What a run's logs say: every frame's end, its size and times.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use super::measured::{Costs, Sample};
use super::record::Record;
use super::{Came, came};
use crate::failure::Failure;
use crate::simulate::logs::{Row, rows};

/// A frame, as log type 1 has it.
struct Frame {
    service: u64,
    capture_ns: u64,
    config: String,
    encode_s: f64,
    /// Given to the transport.
    sent: bool,
    from_cloud: bool,
}

/// The frames of a run and what they cost.
pub struct Live {
    frames: BTreeMap<(u64, u64), Frame>,
    pub(super) costs: HashMap<String, Costs>,
}

/// What says in log type 1 that nothing was sent.
const NOT_SENT: [&str; 2] = ["local_only", "link_down"];

impl Live {
    /// Reads the logs of the run in `dir` and of the transport's and the cloud's directories beside it.
    ///
    /// # Errors
    /// [`Failure::Config`] where there are none, or one cannot be read.
    pub fn read(dir: &Path, record: &Record) -> Result<Self, Failure> {
        let mut frames = BTreeMap::new();
        rows(dir, "client_queries_", |row| {
            let (Some(service), Some(seq), Some(capture_ns)) =
                (row.whole("service_id"), row.whole("frame_seq"), row.whole("capture_timestamp_ns"))
            else {
                return;
            };
            let frame = Frame {
                service,
                capture_ns,
                config: row.text("allocated_model").unwrap_or_default().to_owned(),
                encode_s: row.number("preprocessing_delay").unwrap_or(0.0),
                sent: row.text("outcome").is_some_and(|outcome| !NOT_SENT.contains(&outcome)),
                from_cloud: row.text("source") == Some("cloud"),
            };
            frames.insert((service, seq), frame);
        })?;
        if frames.is_empty() {
            return Err(Failure::Config(format!("{}: there are no client_queries logs in it", dir.display())));
        }
        let mut live = Self { frames, costs: HashMap::new() };
        live.add_sizes(dir)?;
        live.add_executions(record)?;
        Ok(live)
    }

    /// Sizes and encode times, of frames that were given up as well.
    fn add_sizes(&mut self, dir: &Path) -> Result<(), Failure> {
        // `.` has no name of its own.
        let dir = dir.canonicalize().map_err(|error| Failure::Config(format!("{}: {error}", dir.display())))?;
        let Some(name) = dir.file_name().map(|name| name.to_string_lossy().replace("client_main", "quic_client"))
        else {
            return Ok(());
        };
        let transport = dir.with_file_name(name);
        let (frames, costs) = (&self.frames, &mut self.costs);
        for service in 1..=u64::try_from(frames.len()).unwrap_or(1).min(32) {
            let stem = format!("image_context_log_outgoing_service{service}_");
            rows(&transport, &stem, |row| {
                let bytes = row.number("image_size_bytes").filter(|bytes| *bytes > 0.0);
                let (Some(bytes), Some(seq), Some("IMAGE")) =
                    (bytes, row.whole("image_context"), row.text("record_type"))
                else {
                    return;
                };
                if let Some(frame) = frames.get(&(service, seq)) {
                    costs.entry(frame.config.clone()).or_default().bits.add(bytes * 8.0);
                }
            })?;
        }
        for frame in frames.values().filter(|frame| frame.encode_s > 0.0) {
            costs.entry(frame.config.clone()).or_default().encode_s.add(frame.encode_s);
        }
        Ok(())
    }

    fn add_executions(&mut self, record: &Record) -> Result<(), Failure> {
        let captures = || self.frames.values().map(|frame| frame.capture_ns as f64 * 1e-9);
        let first = captures().fold(f64::INFINITY, f64::min);
        let last = captures().fold(0.0, f64::max);
        for cloud in &record.clouds {
            let costs = &mut self.costs;
            rows(cloud, "server_results_", |row: &Row| {
                // The directory may be another run's.
                let begun = row.number("start_time_counter").filter(|at| (first..=last + 10.0).contains(at));
                let parts = ["preprocessing_latency", "inference_latency", "serialization_latency"];
                let took: f64 = parts.iter().filter_map(|part| row.number(part)).sum();
                if let (Some(_), Some(config)) = (begun, row.text("requested_processing")) {
                    costs.entry(config.to_owned()).or_default().execution_s.add(took);
                }
            })?;
        }
        Ok(())
    }

    /// When the first frame was captured, `CLOCK_MONOTONIC`.
    pub fn first_capture_ns(&self) -> Option<u64> {
        self.frames.values().map(|frame| frame.capture_ns).min()
    }

    /// From the first capture to the last, and a period.
    pub fn length(&self) -> Duration {
        let captures = || self.frames.values().map(|frame| frame.capture_ns);
        let span = captures().max().unwrap_or(0).saturating_sub(captures().min().unwrap_or(0));
        let services = self.frames.values().map(|frame| frame.service).max().unwrap_or(1).max(1);
        let each = (self.frames.len() as u64).div_ceil(services).max(1);
        Duration::from_nanos(span + span / each)
    }

    /// What came of the frames, in the table's accuracies.
    pub fn came(&self, record: &Record) -> Came {
        let accuracy: HashMap<String, f64> =
            record.table.entries.iter().map(|entry| (entry.config.to_string(), entry.accuracy)).collect();
        let floor = record.table.vehicle.accuracy;
        let weight_of = |service: u64| {
            let place = usize::try_from(service).ok().and_then(|service| service.checked_sub(1));
            place.and_then(|place| record.car.services.get(place)).map_or(0.0, |service| service.weight)
        };
        let (mut sent, mut in_time, mut utility, mut weights) = (0, 0, 0.0, 0.0);
        for frame in self.frames.values() {
            let weight = weight_of(frame.service);
            let of_cloud = accuracy.get(&frame.config).copied().filter(|_| frame.from_cloud);
            sent += u64::from(frame.sent);
            in_time += u64::from(frame.from_cloud);
            utility += weight * of_cloud.unwrap_or(floor);
            weights += weight;
        }
        came(self.frames.len() as u64, sent, in_time, if weights > 0.0 { utility / weights } else { 0.0 })
    }

    /// The table's menu with what was measured in the run.
    ///
    /// # Errors
    /// [`Failure::Config`] where a number of the run is none.
    pub fn menu(&self, record: &Record) -> Result<allocation::menu::Menu, Failure> {
        let choices = record.table.entries.iter().map(|entry| {
            let choice = entry.choice().map_err(Failure::config)?;
            let of_model = |sample: fn(&Costs) -> &Sample| {
                let model = format!("{}-", entry.config.model);
                let all = self.costs.iter().filter(move |(config, _)| config.starts_with(&model));
                Sample::of(all.map(move |(_, costs)| sample(costs)))
            };
            let own = self.costs.get(&entry.config.to_string());
            super::measured::choice(&choice, own, &of_model(|costs| &costs.execution_s)).map_err(Failure::config)
        });
        allocation::menu::Menu::new(choices.collect::<Result<_, Failure>>()?).map_err(Failure::config)
    }
}
