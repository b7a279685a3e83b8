//! One mapping's paragraph of `/proc/self/smaps`: what the kernel shows, whatever it answered before.

/// Size of the kernel's unit in `smaps`.
const KIB: usize = 1024;

/// What `smaps` says of one mapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mapping {
    /// Page size the kernel uses for it.
    pub page_bytes: usize,
    /// Bytes that are in memory now, huge pages included.
    pub resident_bytes: usize,
    /// Bytes of reserved huge pages.
    pub hugetlb_bytes: usize,
    /// Bytes mapped by transparent huge pages.
    pub transparent_bytes: usize,
    /// Whether it is locked in memory.
    pub locked: bool,
}

impl Mapping {
    /// The mapping of this process that starts at `base`; `None` where `/proc` does not tell.
    pub fn at(base: usize) -> Option<Self> {
        Self::parse(&std::fs::read_to_string("/proc/self/smaps").ok()?, base)
    }

    fn parse(smaps: &str, base: usize) -> Option<Self> {
        let start = format!("{base:x}-");
        let mut lines = smaps.lines().skip_while(|line| !line.starts_with(&start));
        lines.next()?;
        let mut mapping = Self::default();
        for (key, value) in lines.map_while(|line| line.split_once(':')).take_while(|(key, _)| !key.contains('-')) {
            let bytes = || value.trim().strip_suffix(" kB").and_then(|kib| kib.parse::<usize>().ok()).map(|n| n * KIB);
            match key {
                "KernelPageSize" => mapping.page_bytes = bytes()?,
                // Reserved huge pages do not count as resident set, but they are resident.
                "Rss" => mapping.resident_bytes += bytes()?,
                "Shared_Hugetlb" | "Private_Hugetlb" => {
                    mapping.hugetlb_bytes += bytes()?;
                    mapping.resident_bytes += bytes()?;
                }
                "ShmemPmdMapped" | "FilePmdMapped" | "AnonHugePages" => mapping.transparent_bytes += bytes()?,
                "VmFlags" => mapping.locked = value.split_whitespace().any(|flag| flag == "lo"),
                _ => {}
            }
        }
        Some(mapping)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMAPS: &str = "\
7f0000000000-7f0000200000 rw-s 00000000 00:01 1 /memfd:other (deleted)
Size:               2048 kB
KernelPageSize:        4 kB
Rss:                   8 kB
VmFlags: rd wr sh mr mw me ms sd
7f0000400000-7f0000a00000 rw-s 00000000 00:0f 2 /memfd:turbo-arena (deleted)
Size:               6144 kB
KernelPageSize:     2048 kB
Rss:                   0 kB
ShmemPmdMapped:        0 kB
Shared_Hugetlb:        0 kB
Private_Hugetlb:    6144 kB
VmFlags: rd wr sh mr mw me ms de ht lo sd
7f0000c00000-7f0000e00000 rw-p 00000000 00:00 0
Rss:                2048 kB
AnonHugePages:      2048 kB
";

    #[test]
    fn one_mapping_is_told_from_its_neighbours() {
        let huge = Mapping::parse(SMAPS, 0x7f00_0040_0000).expect("it is there");
        let (page_bytes, all) = (2 << 20, 6 << 20);
        let wanted =
            Mapping { page_bytes, resident_bytes: all, hugetlb_bytes: all, transparent_bytes: 0, locked: true };
        assert_eq!(huge, wanted);
        let plain = Mapping::parse(SMAPS, 0x7f00_0000_0000).expect("it is there");
        assert_eq!((plain.page_bytes, plain.resident_bytes, plain.locked), (4096, 8192, false));
        assert_eq!(Mapping::parse(SMAPS, 0x7f00_00c0_0000).map(|last| last.transparent_bytes), Some(2 << 20));
        assert_eq!(Mapping::parse(SMAPS, 0x1000), None);
    }

    #[test]
    fn this_process_s_own_memory_is_found() {
        let map = memmap2::MmapOptions::new().len(1 << 20).populate().map_anon().expect("a mebibyte");
        let mapping = Mapping::at(map.as_ptr() as usize);
        // A neighbouring anonymous mapping may have been merged with it, and then starts elsewhere.
        if let Some(mapping) = mapping {
            assert!(mapping.resident_bytes >= 1 << 20, "{mapping:?}");
        }
    }
}
