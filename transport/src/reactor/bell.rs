//! A doorbell that can be awaited.

use std::os::fd::OwnedFd;

use rt_core::doorbell::Doorbell;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// What wakes an endpoint's loop from outside: a doorbell's eventfd, or a simulation's notice.
pub(crate) enum Bell {
    /// Watched by tokio through a descriptor of its own.
    Event {
        /// Whose eventfd it is.
        bell: Doorbell,
        /// The descriptor tokio watches.
        fd: AsyncFd<OwnedFd>,
    },
    /// Rung and awaited on one thread, in virtual time.
    #[cfg(feature = "simulation")]
    Simulated(std::sync::Arc<super::simulated::Notice>),
}

impl Bell {
    /// Registers `bell` with the current runtime; a futex bell, which cannot wake a reactor, is an error.
    pub(crate) fn event(bell: Doorbell) -> std::io::Result<Self> {
        let fd = bell.event().map(|fd| fd.try_clone_to_owned()).transpose()?.ok_or_else(|| {
            std::io::Error::new(std::io::ErrorKind::InvalidInput, "a futex doorbell where an eventfd one is needed")
        })?;
        // SAFETY: the descriptor is owned by the `AsyncFd` and neither replaced nor closed before it is dropped.
        let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE)? };
        Ok(Self::Event { bell, fd })
    }

    /// Returns once the bell has rung since it was last cleared, and clears it.
    pub(crate) async fn rung(&self) {
        match self {
            Self::Event { bell, fd } => {
                if let Ok(mut ready) = fd.readable().await {
                    ready.clear_ready();
                    bell.clear_event();
                }
            }
            #[cfg(feature = "simulation")]
            Self::Simulated(notice) => notice.rung().await,
        }
    }
}
