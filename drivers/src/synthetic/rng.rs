//! Repeatable pseudo-random numbers: the street must be the same on every machine, so it owns its generator.

/// SplitMix64: tiny, fast, and good enough to scatter cars.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rng(u64);

/// Mixes three words into one; also used where a value must depend on a place rather than on a sequence.
pub(super) fn hash(a: u64, b: u64, c: u64) -> u64 {
    mix(mix(mix(a.wrapping_add(0x9e37_79b9_7f4a_7c15)) ^ b).wrapping_add(c.wrapping_mul(0xd6e8_feb8_6659_fd93)))
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Rng {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Uniform in `0..1`.
    pub(super) fn unit(&mut self) -> f32 {
        (self.word() >> 40) as f32 / 16_777_216.0
    }

    pub(super) fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    pub(super) fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// Uniform in `0..count`; zero when `count` is zero.
    pub(super) fn below(&mut self, count: u64) -> u64 {
        self.word().checked_rem(count).unwrap_or(0)
    }

    /// One of `items`; the default value when there are none.
    pub(super) fn pick<T: Copy + Default>(&mut self, items: &[T]) -> T {
        items.get(self.below(items.len() as u64) as usize).copied().unwrap_or_default()
    }

    /// Roughly normal with unit deviation: the sum of four uniforms, scaled.
    pub(super) fn normal(&mut self) -> f32 {
        (self.unit() + self.unit() + self.unit() + self.unit() - 2.0) * 1.732
    }
}
