//! The second process: this same program, with a role, and what kills it.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitCode};
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::process::claim::Peer;
use rt_core::process::pass;
use rt_core::process::segment::Segment;

/// Splitmix64 (S. Vigna), so that a seed is a run.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Far enough that only a hang gets there.
pub fn far() -> Monotonic {
    Monotonic::now().plus(Duration::from_secs(60))
}

/// A peer that runs, and dies with the test.
pub struct Victim {
    child: Child,
}

impl Victim {
    /// Starts this program again as `role`; every other one gets the segment by inheritance, the rest through `/proc`.
    /// What the two `numbers` mean is the role's.
    pub fn start(segment: &Segment, role: &str, numbers: [u64; 2], random: &mut Random) -> Self {
        let inherited = (random.below(2) == 0).then(|| pass::inheritable(segment.descriptor()).expect("a descriptor"));
        let descriptor = inherited.as_ref().map_or(segment.descriptor().as_raw_fd(), AsRawFd::as_raw_fd);
        let parent = if inherited.is_some() { 0 } else { std::process::id() };
        let [first, slack] = numbers.map(|number| number.to_string());
        let child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--peer", role])
            .args([descriptor.to_string(), parent.to_string(), first, slack, random.next().to_string()])
            .spawn()
            .expect("starts");
        Self { child }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether the end that `peer` describes is this one's, and it has not failed.
    pub fn holds(&mut self, peer: Peer) -> bool {
        if let Some(status) = self.child.try_wait().expect("waits") {
            panic!("the peer ended by itself: {status}");
        }
        matches!(peer, Peer::Alive(process) if process.pid() == self.child.id())
    }

    /// Kills it; a peer that had found something wrong has ended by itself before.
    pub fn kill(mut self) {
        self.child.kill().expect("SIGKILL");
        let status = self.child.wait().expect("reaped");
        assert_eq!(status.signal(), Some(9), "the peer ended by itself: {status}");
    }
}

/// What the second process does: `ROLE DESCRIPTOR PARENT FIRST SLACK SEED`.
pub fn run(arguments: &[String]) -> ExitCode {
    let [role, numbers @ ..] = arguments else { return ExitCode::from(2) };
    let numbers: Vec<u64> = numbers.iter().filter_map(|number| number.parse().ok()).collect();
    let [descriptor, parent, first, slack, seed] = numbers[..] else { return ExitCode::from(2) };
    let descriptor = descriptor as RawFd;
    let memory = match parent {
        // SAFETY: inherited under this number for this process alone; nothing else here knows of it.
        0 => unsafe { OwnedFd::from_raw_fd(descriptor) },
        parent => pass::open_of_process(parent as u32, descriptor).expect("the parent's segment"),
    };
    let segment = Segment::open(memory).expect("valid");
    let mut random = Random(seed);
    match role.as_str() {
        "producer" => crate::producer::produce(&segment, first, &mut random),
        "pop" => crate::consumer::consume(&segment, first..=first + slack, crate::consumer::Mode::Pop),
        "peek" => crate::consumer::consume(&segment, first.saturating_sub(slack)..=first, crate::consumer::Mode::Peek),
        "reader" => crate::frames::read(&segment, &mut random),
        _ => return ExitCode::from(2),
    }
    ExitCode::SUCCESS
}
