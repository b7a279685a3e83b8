//! A thread's stack, made resident before its body runs: a page fault on the hot path costs microseconds, or a wait for
//! memory.

use super::{Difference, lacking};

/// What one step touches, and the most a step's frame adds to it.
const STEP_BYTES: usize = 4096;
const FRAME_BYTES: usize = 512;

/// Left alone at the low end: two steps, and what the last of them calls.
const MARGIN_BYTES: usize = 4 * STEP_BYTES;

/// Touches the calling thread's stack below the current frame, down to its guard, and locks it where `lock` says so.
/// Returns how many bytes were touched; 0 where the stack's bounds cannot be had.
pub(super) fn prefault(lock: bool, differences: &mut Vec<Difference>) -> usize {
    let Some((low, bytes)) = bounds() else { return 0 };
    let here = address_of_frame();
    touch(low.saturating_add(MARGIN_BYTES));
    if lock {
        // SAFETY: the range is this thread's own mapped stack; locking changes no byte of it.
        let refused = unsafe { libc::mlock(low as *const libc::c_void, bytes) } != 0;
        if refused {
            let reason = std::io::Error::last_os_error().to_string();
            differences.push(Difference::StackLock { bytes, reason, lacking: lacking::for_locking(bytes) });
        }
    }
    here.saturating_sub(low.saturating_add(MARGIN_BYTES))
}

/// Writes to a page's worth of its own frame and goes on below, until it is near `lowest`. Each step touches only what
/// is its own, so nothing is written below the stack pointer.
#[inline(never)]
fn touch(lowest: usize) {
    let mut page = std::mem::MaybeUninit::<[u8; STEP_BYTES]>::uninit();
    let start = page.as_mut_ptr();
    // SAFETY: both bytes are inside `page`, which is this frame's.
    unsafe {
        start.cast::<u8>().write_volatile(0);
        start.cast::<u8>().add(STEP_BYTES - 1).write_volatile(0);
    }
    if start.addr() > lowest.saturating_add(STEP_BYTES + FRAME_BYTES) {
        touch(lowest);
    }
    // Used after the step below has returned, so that the steps are not folded into a loop over one frame.
    std::hint::black_box(start);
}

fn address_of_frame() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&here)).addr()
}

/// The lowest usable address of the calling thread's stack and the bytes above it.
fn bounds() -> Option<(usize, usize)> {
    let mut attributes = std::mem::MaybeUninit::<libc::pthread_attr_t>::uninit();
    let (mut low, mut size, mut guard) = (std::ptr::null_mut(), 0, 0);
    // SAFETY: `attributes` is initialised by pthread_getattr_np before anything reads it, and destroyed after that; the
    // other pointers are to live, writable locals.
    let found = unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return None;
        }
        let stack = libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut low, &raw mut size);
        let guarded = libc::pthread_attr_getguardsize(attributes.as_ptr(), &raw mut guard);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        stack == 0 && guarded == 0
    };
    // Some C libraries count the guard as part of the stack; leaving it out twice costs a page.
    (found && size > guard).then(|| (low.addr().saturating_add(guard), size - guard))
}
