use super::*;
use proptest::prelude::*;

fn times() -> impl Strategy<Value = Vec<(usize, u64)>> {
    // Of every magnitude, zero and past the bounds included.
    let ns = (0_u32..40, any::<u64>()).prop_map(|(bits, any)| any & ((1 << bits) - 1));
    prop::collection::vec((0..Hop::COUNT, ns), 0..200)
}

fn histograms(times: &[(usize, u64)]) -> HopHistograms {
    let mut histograms = HopHistograms::default();
    for &(hop, ns) in times {
        histograms.record(Hop::ALL[hop], Duration::from_nanos(ns));
    }
    histograms
}

proptest! {
    // Each case makes several megabytes of histograms.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_exported_comes_back_the_same(times in times()) {
        let histograms = histograms(&times);
        prop_assert_eq!(histograms.to_string().parse::<HopHistograms>(), Ok(histograms));
    }

    #[test]
    fn the_merge_of_exports_is_the_export_of_the_merge(a in times(), b in times()) {
        let mut imported: HopHistograms = histograms(&a).to_string().parse().unwrap();
        imported += &histograms(&b).to_string().parse().unwrap();
        let mut merged = histograms(&a);
        merged += &histograms(&b);
        prop_assert_eq!(imported.to_string(), merged.to_string());
        let together: Vec<_> = a.into_iter().chain(b).collect();
        prop_assert_eq!(merged, histograms(&together));
    }

    #[test]
    fn quantiles_are_the_nearest_ranks_to_three_digits(mut ns in prop::collection::vec(0_u64..HIGHEST, 1..300)) {
        let mut histogram = LatencyHistogram::default();
        ns.iter().for_each(|&ns| histogram.record(Duration::from_nanos(ns)));
        ns.sort_unstable();
        let found = histogram.quantiles().unwrap();
        let quantiles = [(0.5, found.p50), (0.95, found.p95), (0.99, found.p99), (0.999, found.p999)];
        for (quantile, time) in quantiles {
            let rank = (quantile * ns.len() as f64).ceil() as usize;
            let (exact, found) = (ns[rank - 1] as f64, time.as_nanos() as f64);
            prop_assert!(found >= exact && found <= exact * 1.001 + 1.0, "{quantile}: {found} for {exact}");
        }
        prop_assert_eq!(found.max, Duration::from_nanos(ns[ns.len() - 1]));
    }

    #[test]
    fn a_cut_or_garbled_export_never_panics_and_a_cut_line_is_refused(times in times(), at in any::<prop::sample::Index>()) {
        let text = histograms(&times).to_string();
        let lines: Vec<&str> = text.lines().collect();
        let cut = at.index(lines.len());
        let whole_hops = lines.get(cut).is_none_or(|line| line.starts_with("hop ")) && cut >= 2;
        let parsed = lines[..cut].join("\n").parse::<HopHistograms>();
        prop_assert_eq!(parsed.is_ok(), whole_hops, "cut before line {}", cut + 1);
        let _ = text[..at.index(text.len())].parse::<HopHistograms>();
    }
}

const HIGHEST: u64 = latency::HIGHEST_NS;

#[test]
fn every_hop_has_its_histogram_from_the_start() {
    let empty = HopHistograms::default();
    assert_eq!(empty.iter().filter(|(_, histogram)| histogram.counts.is_some()).count(), Hop::COUNT);
    assert_eq!(empty.to_string().lines().count(), 2);
}

#[test]
fn longer_than_a_minute_counts_as_a_minute_and_is_still_the_maximum() {
    let mut histogram = LatencyHistogram::default();
    histogram.record(Duration::from_secs(7_200));
    histogram.record(Duration::from_secs(1));
    let times = histogram.quantiles().unwrap();
    assert!(times.p999 >= Duration::from_secs(60) && times.p999 < Duration::from_millis(60_100), "{times:?}");
    assert_eq!(times.max, Duration::from_secs(7_200));
}

#[test]
fn what_is_wrong_is_said_with_its_line_and_what_would_be_right() {
    let head = "turbo-hops 1\nbounds_ns 1 60000000000 digits 3\n";
    let cases = [
        ("", "line 1: \"\"; expected \"turbo-hops 1\""),
        ("turbo-hops 2\n", "line 1: \"turbo-hops 2\"; expected \"turbo-hops 1\""),
        ("turbo-hops 1\nbounds_ns 1 9 digits 3\n", "line 2: \"bounds_ns 1 9 digits 3\"; expected \"bounds_ns 1 6"),
        ("5 1\n", "line 3: \"5 1\"; expected \"hop NAME"),
        ("hop encode count 0 max_ns 0\n", "line 3: \"hop encode count 0"),
        ("hop warp count 1 max_ns 5\n5 1\n", "line 3: hop \"warp\" is unknown; known are capture, encode_wait"),
        ("hop encode count 1 max_ns 5\n5\n", "line 4: \"5\"; expected \"VALUE_NS COUNT"),
        ("hop encode count 1 max_ns 5\n5 -1\n", "line 4: \"5 -1\"; expected"),
        ("hop encode count 2 max_ns 5\n5 1\n5 1\n", "line 5: 5 ns after 5 ns; expected rising"),
        ("hop encode count 1 max_ns 5\n99000000000 1\n", "line 4: 99000000000 ns after 0 ns"),
        ("hop encode count 3 max_ns 5\n5 1\n", "line 3: hop encode promises 3 counts, its buckets hold 1"),
        (
            "hop encode count 1 max_ns 6\n5 1\n",
            "line 3: hop encode: max_ns 6 is not in the last bucket, which ends at 5",
        ),
        ("hop encode count 1 max_ns 5\n5 1\nhop encode count 1 max_ns 5\n5 1\n", "line 5: hop encode comes a second"),
    ];
    for (text, said) in cases {
        let whole = if said.starts_with("line 1") || said.starts_with("line 2") {
            text.to_owned()
        } else {
            format!("{head}{text}")
        };
        let error = whole.parse::<HopHistograms>().unwrap_err().to_string();
        assert!(error.starts_with(said), "{text:?}: {error}");
    }
}
