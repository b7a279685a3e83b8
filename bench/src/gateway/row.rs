//! A row, from the windows that were measured for it.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::fleet::Tally;

/// What stays the same when the cars become more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    /// The frames of all cars together.
    SameTotal,
    /// The frames of each car.
    SamePerCar,
}

/// One stretch of time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) tally: Tally,
    pub(super) took: Duration,
    pub(super) process_ns: u64,
    pub(super) gateway_ns: u64,
    pub(super) cars_ns: u64,
    pub(super) resident_bytes: u64,
    pub(super) offences: u64,
    pub(super) cars_left: u64,
}

/// One number of cars under one load. Figures are medians over the rounds unless they say otherwise.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What is the same in the rows of other numbers of cars.
    pub load: Load,
    /// How many cars.
    pub cars: usize,
    /// Frames offered a second, all cars together.
    pub fps: f64,
    /// Coded bytes of a frame.
    pub frame_bytes: usize,
    /// Frames of all rounds.
    pub frames: u64,
    /// Share of them whose detections came within 200 ms of capture, 0 to 1.
    pub on_time: f64,
    /// Whatever must not be, in all rounds: refusals of any kind that the gateway counted, cars that left it, frames
    /// answered with an error or not at all, cars not let in, connections lost as the cars saw them.
    pub errors: u64,
    /// User and system time of the gateway's process for each frame, its worker's share included.
    pub cpu_us_per_frame: f64,
    /// Least and most of a round.
    pub cpu_spread: [f64; 2],
    /// The same of the gateway's thread alone.
    pub thread_us_per_frame: f64,
    /// Processor time of the gateway's process as a share of one core.
    pub cores: f64,
    /// Processor time of the cars' endpoints for each frame.
    pub car_us_per_frame: f64,
    /// Processor time of the gateway's process for each car and second without any frame: pings, menus, timers.
    pub idle_us_per_car_s: f64,
    /// Resident memory of the gateway's process, the most of a round.
    pub rss_mib: f64,
    /// What each car that connected has added to it, before its first frame.
    pub kib_per_car: f64,
    /// From the first car's start until the last was connected.
    pub connect_s: f64,
}

impl Row {
    pub(super) fn of(load: Load, cars: usize, fps: f64, frame_bytes: usize, windows: &[Window]) -> Self {
        let sum = |of: &dyn Fn(&Window) -> u64| windows.iter().map(of).sum::<u64>();
        let frames = sum(&|window| window.tally.frames);
        let per_frame = |of: &dyn Fn(&Window) -> u64| {
            sorted(windows.iter().map(|window| of(window) as f64 / 1e3 / window.tally.frames.max(1) as f64))
        };
        let cpu = per_frame(&|window| window.process_ns);
        let cores = sorted(windows.iter().map(|window| window.process_ns as f64 * 1e-9 / window.took.as_secs_f64()));
        let errors = |window: &Window| {
            let Tally { wrong, unanswered, links_lost, .. } = window.tally;
            window.offences + window.cars_left + wrong + unanswered + links_lost
        };
        let most = windows.iter().map(|window| window.resident_bytes).max().unwrap_or(0);
        Self {
            load,
            cars,
            fps,
            frame_bytes,
            frames,
            on_time: sum(&|window| window.tally.on_time) as f64 / frames.max(1) as f64,
            errors: sum(&errors),
            cpu_us_per_frame: median(&cpu),
            cpu_spread: [cpu.first().copied().unwrap_or(0.0), cpu.last().copied().unwrap_or(0.0)],
            thread_us_per_frame: median(&per_frame(&|window| window.gateway_ns)),
            cores: median(&cores),
            car_us_per_frame: median(&per_frame(&|window| window.cars_ns)),
            idle_us_per_car_s: 0.0,
            rss_mib: most as f64 / f64::from(1 << 20),
            kib_per_car: 0.0,
            connect_s: 0.0,
        }
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let load = match self.load {
            Load::SameTotal => "same total",
            Load::SamePerCar => "same per car",
        };
        let [least, most] = self.cpu_spread;
        write!(
            f,
            "{:<12} {:>5} cars {:>6.0} fps  {:>5.1} % on time  {:>3} errors  gateway {:>6.1} us/frame ({:.1} to {:.1}), \
             its thread {:.1}, {:.2} cores; cars {:.1} us/frame; idle {:.0} us/car/s; {:.1} MiB, {:.1} KiB/car; \
             connected in {:.1} s",
            load,
            self.cars,
            self.fps,
            self.on_time * 100.0,
            self.errors,
            self.cpu_us_per_frame,
            least,
            most,
            self.thread_us_per_frame,
            self.cores,
            self.car_us_per_frame,
            self.idle_us_per_car_s,
            self.rss_mib,
            self.kib_per_car,
            self.connect_s,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_counts_every_kind_of_error_and_takes_medians() {
        let window = |process_us: u64, offences| Window {
            tally: Tally { frames: 100, on_time: 90, given_up: 4, wrong: 1, unanswered: 2, links_lost: 3 },
            took: Duration::from_secs(1),
            process_ns: process_us * 1_000,
            gateway_ns: 0,
            cars_ns: 0,
            resident_bytes: 1 << 20,
            offences,
            cars_left: 5,
        };
        let row = Row::of(Load::SameTotal, 10, 100.0, 3_000, &[window(9_000, 0), window(4_000, 7), window(5_000, 0)]);
        assert_eq!((row.errors, row.frames), (3 * (1 + 2 + 3 + 5) + 7, 300));
        assert_eq!((row.cpu_us_per_frame, row.cpu_spread), (50.0, [40.0, 90.0]));
        assert_eq!((row.on_time, row.rss_mib, row.cores), (0.9, 1.0, 0.005));
    }
}
