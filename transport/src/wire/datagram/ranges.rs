//! Which shards are missing, as ranges of their indices.

/// The most ranges one report names; what is missing beyond them is told by a later one.
pub const MAX_RANGES: usize = 32;

/// Up to [`MAX_RANGES`] ranges of shard indices, without a heap.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ranges {
    ranges: [(u16, u16); MAX_RANGES],
    count: usize,
}

impl Default for Ranges {
    fn default() -> Self {
        Self { ranges: [(0, 0); MAX_RANGES], count: 0 }
    }
}

impl std::fmt::Debug for Ranges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Ranges {
    /// Adds `index`, which is higher than all before; `false` where there is no room.
    pub fn push(&mut self, index: u16) -> bool {
        if let Some((first, count)) = self.count.checked_sub(1).and_then(|last| self.ranges.get_mut(last))
            && first.checked_add(*count) == Some(index)
        {
            *count += 1;
            return true;
        }
        self.append(index, 1)
    }

    /// Adds `count` indices from `first` on as a range of their own; `false` where there is no room.
    pub(super) fn append(&mut self, first: u16, count: u16) -> bool {
        let Some(place) = self.ranges.get_mut(self.count) else { return false };
        *place = (first, count);
        self.count += 1;
        true
    }

    /// First index and count of each.
    pub fn iter(&self) -> impl Iterator<Item = (u16, u16)> {
        self.ranges.iter().take(self.count).copied()
    }

    /// Every index.
    pub fn indices(&self) -> impl Iterator<Item = u16> {
        self.iter().flat_map(|(first, count)| first..first.saturating_add(count))
    }

    /// How many ranges.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}
