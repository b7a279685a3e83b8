//! How an object is cut into shards: one arithmetic for both ends, so that neither has to trust the other's.

use super::datagram::MAX_OBJECT_BYTES;
use super::{WireError, in_range};

/// The most data shards of an object: some 5 MB; a larger frame goes by a stream.
pub const MAX_DATA_SHARDS: u16 = 4_096;
/// The shortest shard of an object that has more than one, bytes: keeps the bookkeeping small beside the data.
pub const LEAST_SHARD_BYTES: usize = 256;
/// Repair shards may be as many as data shards, and this many more.
pub const SPARE_REPAIR: u16 = 8;

/// How an object is cut: as many data shards as needed, all of one even length, and repair shards of the same length.
///
/// ```
/// use transport::wire::layout::ShardLayout;
/// let layout = ShardLayout::cut(30_034, 1_200, 2).expect("within the limits");
/// assert_eq!((layout.data_shards(), layout.total_shards()), (26, 28));
/// assert_eq!((layout.shard_bytes(), layout.carried_bytes(25)), (1_156, 30_034 - 25 * 1_156));
/// assert!(ShardLayout::new(30_034, 26, 0).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardLayout {
    object_bytes: u32,
    data_shards: u16,
    total_shards: u16,
}

impl Default for ShardLayout {
    /// The smallest: one byte in one shard.
    fn default() -> Self {
        Self { object_bytes: 1, data_shards: 1, total_shards: 1 }
    }
}

impl ShardLayout {
    /// The layout a peer announces.
    ///
    /// # Errors
    /// A size or count outside the limits, or counts that do not fit the size.
    pub fn new(object_bytes: u32, data_shards: u16, total_shards: u16) -> Result<Self, WireError> {
        in_range("object length", u64::from(object_bytes), 1, u64::from(MAX_OBJECT_BYTES))?;
        in_range("number of data shards", u64::from(data_shards), 1, u64::from(MAX_DATA_SHARDS))?;
        let most = u64::from(data_shards) * 2 + u64::from(SPARE_REPAIR);
        in_range("number of shards", u64::from(total_shards), u64::from(data_shards), most)?;
        let layout = Self { object_bytes, data_shards, total_shards };
        if data_shards > 1 {
            let shard = layout.shard_bytes() as u64;
            in_range("shard length", shard, LEAST_SHARD_BYTES as u64, u64::from(u16::MAX))?;
            // The last data shard carries something.
            let before = shard * (u64::from(data_shards) - 1);
            in_range("object length for its shards", u64::from(object_bytes), before + 1, u64::from(u32::MAX))?;
        }
        Ok(layout)
    }

    /// Cuts an object into the fewest shards of at most `most_shard_bytes` (512 or more), and adds `repair`; `None` where the limits do
    /// not allow it.
    #[must_use]
    pub fn cut(object_bytes: usize, most_shard_bytes: usize, repair: u16) -> Option<Self> {
        let most = most_shard_bytes & !1;
        let count = object_bytes.div_ceil(most.max(LEAST_SHARD_BYTES));
        // Even lengths may need one shard less than the division said.
        let shard = object_bytes.div_ceil(count.max(1)).next_multiple_of(2).max(1);
        let data = u16::try_from(object_bytes.div_ceil(shard)).ok()?;
        let repair = repair.min(data.checked_add(SPARE_REPAIR)?);
        Self::new(u32::try_from(object_bytes).ok()?, data, data.checked_add(repair)?).ok()
    }

    /// Bytes of the object.
    #[must_use]
    pub const fn object_bytes(&self) -> u32 {
        self.object_bytes
    }

    /// Shards that hold the object itself.
    #[must_use]
    pub const fn data_shards(&self) -> u16 {
        self.data_shards
    }

    /// Data and repair shards.
    #[must_use]
    pub const fn total_shards(&self) -> u16 {
        self.total_shards
    }

    /// Repair shards.
    #[must_use]
    pub const fn repair_shards(&self) -> u16 {
        self.total_shards.saturating_sub(self.data_shards)
    }

    /// Bytes of a shard; even, as the code's symbols are 16 bits wide.
    #[must_use]
    pub fn shard_bytes(&self) -> usize {
        (self.object_bytes as usize).div_ceil(usize::from(self.data_shards).max(1)).next_multiple_of(2)
    }

    /// Bytes of shard `index` that travel: the last data shard's padding does not.
    #[must_use]
    pub fn carried_bytes(&self, index: u16) -> usize {
        let shard = self.shard_bytes();
        if index < self.data_shards {
            (self.object_bytes as usize).saturating_sub(usize::from(index) * shard).min(shard)
        } else {
            shard
        }
    }
}
