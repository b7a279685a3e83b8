//! How a segment's descriptor gets into another process. Nothing here knows a protocol: one descriptor is handed over,
//! nothing else.

use std::io::{Error, IoSlice, IoSliceMut, Result};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};

/// Sends `descriptor` over a UNIX socket (`SCM_RIGHTS`), with one byte of data.
///
/// # Errors
/// The kernel's.
pub fn send_descriptor(socket: BorrowedFd<'_>, descriptor: BorrowedFd<'_>) -> Result<()> {
    let rights = [descriptor.as_raw_fd()];
    let control = [ControlMessage::ScmRights(&rights)];
    let flags = MsgFlags::MSG_NOSIGNAL;
    sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(&[0])], &control, flags, None)?;
    Ok(())
}

/// Receives what [`send_descriptor`] sent; closed in programs that this process starts.
///
/// ```
/// use std::{io::{Read, Seek, Write}, fs::File, os::{fd::AsFd, unix::net::UnixStream}};
/// use rt_core::process::pass::{receive_descriptor, send_descriptor};
/// let (ours, theirs) = UnixStream::pair()?;
/// send_descriptor(ours.as_fd(), File::open("/proc/self/comm")?.as_fd())?;
/// let mut name = String::new();
/// File::from(receive_descriptor(theirs.as_fd())?).read_to_string(&mut name)?;
/// assert_eq!(name, std::fs::read_to_string("/proc/self/comm")?);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The kernel's; `UnexpectedEof` where the peer has closed its end, `InvalidData` where the message carried no
/// descriptor.
pub fn receive_descriptor(socket: BorrowedFd<'_>) -> Result<OwnedFd> {
    let mut data = [0];
    let mut room = nix::cmsg_space!(RawFd);
    let mut data = [IoSliceMut::new(&mut data)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut data, Some(&mut room), flags)?;
    // The room's padding holds a second descriptor where a peer sends one: all are owned, so that none stays open.
    let mut received = Vec::new();
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(descriptors) = control {
            // SAFETY: the kernel has just made these descriptors for us, and nobody else knows of them.
            received.extend(descriptors.into_iter().map(|descriptor| unsafe { OwnedFd::from_raw_fd(descriptor) }));
        }
    }
    match received.into_iter().next() {
        Some(descriptor) => Ok(descriptor),
        None if message.bytes == 0 => Err(Error::from(std::io::ErrorKind::UnexpectedEof)),
        None => Err(Error::new(std::io::ErrorKind::InvalidData, "the message carried no descriptor")),
    }
}

/// A second descriptor of what process `pid` has open as `descriptor`, by way of `/proc`.
///
/// # Errors
/// The kernel's: both processes must be of one user.
pub fn open_of_process(pid: u32, descriptor: RawFd) -> Result<OwnedFd> {
    let path = format!("/proc/{pid}/fd/{descriptor}");
    Ok(std::fs::OpenOptions::new().read(true).write(true).open(path)?.into())
}

/// A copy of `descriptor` that programs started from now on inherit, under the number it has here.
///
/// # Errors
/// The kernel's.
pub fn inheritable(descriptor: BorrowedFd<'_>) -> Result<OwnedFd> {
    nix::unistd::dup(descriptor).map_err(Error::from)
}
