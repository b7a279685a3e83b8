//! Roles that one process at a time can hold: a claim is one word in shared memory, so taking it is one step, and a
//! holder that is dead is found out and replaced.

use super::identity::ProcessId;
use super::name::ProcessName;
use super::segment::Name;
use super::watch::Watch;
use crate::sync::{AtomicU64, Ordering};

/// What a process can be to a part of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Puts messages in.
    Producer,
    /// Takes messages out.
    Consumer,
    /// Publishes values.
    Writer,
    /// Lends slots.
    Owner,
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Producer => "producer",
            Self::Consumer => "consumer",
            Self::Writer => "writer",
            Self::Owner => "owner",
        })
    }
}

/// Somebody else has the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part} has a {role} already: process {pid} ({process}); it can have one at a time")]
pub struct Claimed {
    /// The part.
    pub part: Name,
    /// The role.
    pub role: Role,
    /// Who has it.
    pub pid: u32,
    /// What that process calls itself.
    pub process: ProcessName,
}

/// A claim as it lies in shared memory; all zeros when nobody ever held it.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Claim {
    /// [`ProcessId::pack`] of the holder; 0 for none.
    holder: AtomicU64,
    /// How often it was taken.
    generation: AtomicU64,
    name: [AtomicU64; 2],
}

impl Claim {
    #[cfg(test)]
    pub(super) fn new() -> Self {
        Self { holder: AtomicU64::new(0), generation: AtomicU64::new(0), name: [AtomicU64::new(0), AtomicU64::new(0)] }
    }

    /// Takes the role for `own`, this process, from nobody or from the dead.
    pub(super) fn take(&self, own: ProcessId, part: Name, role: Role) -> Result<Held, Claimed> {
        let mut found = self.holder.load(Ordering::Acquire);
        loop {
            let holder = ProcessId::unpack(found);
            if found != 0 && holder.is_alive() {
                return Err(Claimed { part, role, pid: holder.pid(), process: self.name() });
            }
            // Acquire: what the holder before did to the part is seen; it was ordered by its Release, or by its end.
            match self.holder.compare_exchange(found, own.pack(), Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => break,
                Err(now) => found = now,
            }
        }
        self.generation.fetch_add(1, Ordering::AcqRel);
        for (word, value) in self.name.iter().zip(ProcessName::own().to_words()) {
            word.store(value, Ordering::Relaxed);
        }
        Ok(Held { own: own.pack(), taken_over: found != 0 })
    }

    /// Gives the role back, where it is still this process that holds it.
    pub(super) fn release(&self, held: &Held) {
        // A forked child has the endpoint too, but not the role.
        if ProcessId::unpack(held.own).pid() == std::process::id() {
            let _ = self.holder.compare_exchange(held.own, 0, Ordering::Release, Ordering::Relaxed);
        }
    }

    /// Who holds it; `None` for nobody.
    pub(super) fn holder(&self) -> Option<ProcessId> {
        Some(self.holder.load(Ordering::Acquire)).filter(|&word| word != 0).map(ProcessId::unpack)
    }

    /// Whether somebody held it and gave it back.
    pub(super) fn was_left(&self) -> bool {
        self.holder.load(Ordering::Acquire) == 0 && self.generation() > 0
    }

    /// How often it was taken, by anybody.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(super) fn name(&self) -> ProcessName {
        ProcessName::from_words([0, 1].map(|index| self.name.get(index).map_or(0, |word| word.load(Ordering::Relaxed))))
    }
}

/// The right to act in a role, until it is released.
#[derive(Debug)]
pub(super) struct Held {
    own: u64,
    /// Whether it was taken from a process that had died with it.
    pub(super) taken_over: bool,
}

/// How the process on the other end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Nobody has attached there yet.
    Awaited,
    /// It runs.
    Alive(ProcessId),
    /// It ended without leaving.
    Died(ProcessId, ProcessName),
    /// It left in good order.
    Left(ProcessName),
}

/// Looks after whoever holds a claim, at one system call a look while the holder stays the same.
#[derive(Debug, Default)]
pub(super) struct PeerWatch {
    watch: Option<Watch>,
}

impl PeerWatch {
    /// How the holder of `claim` is now.
    pub(super) fn look(&mut self, claim: &Claim) -> Peer {
        let Some(holder) = claim.holder() else {
            return if claim.was_left() { Peer::Left(claim.name()) } else { Peer::Awaited };
        };
        if self.watch.as_ref().is_none_or(|watch| watch.process() != holder) {
            self.watch = Some(Watch::new(holder));
        }
        match &self.watch {
            Some(watch) if !watch.is_alive() => Peer::Died(holder, claim.name()),
            _ => Peer::Alive(holder),
        }
    }

    /// The watch on the holder that was last looked at, for a reactor to wait on.
    pub(super) const fn watch(&self) -> Option<&Watch> {
        self.watch.as_ref()
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;
    use std::process::Command;

    fn part() -> Name {
        Name::new("a/b").expect("a name")
    }

    #[test]
    fn a_second_claim_is_refused_with_the_holders_pid_until_the_first_is_released() {
        let own = ProcessId::own().expect("/proc");
        let claim = Claim::new();
        assert_eq!(PeerWatch::default().look(&claim), Peer::Awaited);
        let held = claim.take(own, part(), Role::Producer).expect("nobody has it");
        let refused = claim.take(own, part(), Role::Producer).expect_err("it is taken");
        assert_eq!((refused.pid, refused.role), (std::process::id(), Role::Producer));
        assert!(refused.to_string().contains("a/b"), "{refused}");
        claim.release(&held);
        assert!(matches!(PeerWatch::default().look(&claim), Peer::Left(_)));
        let again = claim.take(own, part(), Role::Producer).expect("it is free again");
        assert!(!again.taken_over);
        assert_eq!(claim.generation(), 2);
    }

    #[test]
    fn the_role_of_a_dead_process_is_taken_over() {
        let mut child = Command::new("sleep").arg("1000").spawn().expect("sleep");
        let process = ProcessId::of(child.id()).expect("/proc").expect("it runs");
        let own = ProcessId::own().expect("/proc");
        let claim = Claim::new();
        claim.holder.store(process.pack(), Ordering::Relaxed);
        let mut watch = PeerWatch::default();
        assert_eq!(watch.look(&claim), Peer::Alive(process));
        assert_eq!(claim.take(own, part(), Role::Consumer).expect_err("it lives").pid, child.id());
        child.kill().expect("SIGKILL");
        child.wait().expect("reaped");
        assert!(matches!(watch.look(&claim), Peer::Died(dead, _) if dead == process));
        assert!(claim.take(own, part(), Role::Consumer).expect("the holder is dead").taken_over);
        assert!(matches!(watch.look(&claim), Peer::Alive(own) if own.pid() == std::process::id()));
    }

    #[test]
    fn a_child_that_never_had_the_role_does_not_give_it_back() {
        let own = ProcessId::own().expect("/proc");
        let claim = Claim::new();
        let held = claim.take(own, part(), Role::Writer).expect("nobody has it");
        let elsewhere = Held { own: held.own ^ 1, taken_over: false };
        claim.release(&elsewhere);
        assert!(claim.holder().is_some());
    }
}
