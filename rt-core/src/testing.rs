//! What the unit tests share.

/// How often a stress loop runs that would run `full` times on the bare machine: often enough to be worth its while
/// where each instruction is emulated (valgrind) or interpreted (Miri).
pub(crate) const fn rounds(full: u64) -> u64 {
    let fewer = if cfg!(miri) {
        full / 5000
    } else if cfg!(valgrind) {
        full / 20
    } else {
        full
    };
    if fewer < 20 { 20 } else { fewer }
}
