//! Values that must not share a cache line with another thread's.

/// A value alone on its cache lines. 128 bytes, since x86-64 prefetches lines in pairs and some arm64 cores have lines
/// of 128; the layout is fixed, so that it can stand in memory that processes share.
#[derive(Debug, Default)]
#[repr(C, align(128))]
pub(crate) struct CachePadded<T>(pub T);

impl<T> std::ops::Deref for CachePadded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> std::ops::DerefMut for CachePadded<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
