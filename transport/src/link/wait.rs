//! Sleeping until a packet comes or one is due, to the nanosecond as far as the kernel goes.

use std::os::fd::{AsRawFd, RawFd};

use rt_core::clock::Monotonic;

/// The descriptors that are waited on; room for all of them is taken at the start.
pub(super) struct Wait {
    polled: Vec<libc::pollfd>,
}

impl Wait {
    /// Also asks the kernel to wake this thread as exactly as it can: by default it may be 50 µs late, to save power.
    pub(super) fn new(max_descriptors: usize) -> Self {
        // SAFETY: the call takes a plain number and changes nothing but this thread's timer slack; should it be
        // refused, wake-ups are coarser and nothing else changes.
        unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_u64) };
        Self { polled: Vec::with_capacity(max_descriptors) }
    }

    /// Sleeps until a descriptor is readable, or until `until` (for ever where that is `None`).
    pub(super) fn sleep<'a, F: AsRawFd + 'a>(
        &mut self,
        fixed: [RawFd; 2],
        more: impl Iterator<Item = &'a F>,
        until: Option<Monotonic>,
    ) -> std::io::Result<()> {
        self.polled.clear();
        let descriptors = fixed.into_iter().chain(more.map(AsRawFd::as_raw_fd)).take(self.polled.capacity());
        self.polled.extend(descriptors.map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 }));
        let left = until.map(|until| until.saturating_since(Monotonic::now()));
        let timeout = left.map(|left| libc::timespec {
            tv_sec: libc::time_t::try_from(left.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: left.subsec_nanos().into(),
        });
        let timeout_pointer = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        let count = libc::nfds_t::try_from(self.polled.len()).unwrap_or(0);
        // SAFETY: the array holds `count` initialised entries and outlives the call, the timeout is null or a valid
        // timespec that outlives it, and a null mask leaves the signal mask alone.
        let ready = unsafe { libc::ppoll(self.polled.as_mut_ptr(), count, timeout_pointer, std::ptr::null()) };
        if ready < 0 {
            let error = std::io::Error::last_os_error();
            if error.kind() != std::io::ErrorKind::Interrupted {
                return Err(error);
            }
            self.polled.iter_mut().for_each(|entry| entry.revents = 0);
        }
        Ok(())
    }

    /// Whether the descriptor at `position` (the two fixed ones first) had something when the sleep ended.
    pub(super) fn ready(&self, position: usize) -> bool {
        self.polled.get(position).is_some_and(|entry| entry.revents != 0)
    }
}
