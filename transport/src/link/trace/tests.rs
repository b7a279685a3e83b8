use proptest::prelude::*;

use super::*;

const NS_PER_MS: u64 = 1_000_000;

/// Bits by `ns`, summed opportunity by opportunity.
fn naive_bits(times_ms: &[u64], ns: u64) -> f64 {
    let period = times_ms.last().expect("a time") * NS_PER_MS;
    let (repetitions, offset) = (ns / period, ns % period);
    let within: f64 = times_ms
        .iter()
        .map(|&ms| {
            let begin = ms.saturating_sub(1) * NS_PER_MS;
            let width = ms * NS_PER_MS - begin;
            if width == 0 { 1.0 } else { (offset.saturating_sub(begin) as f64 / width as f64).min(1.0) }
        })
        .sum();
    (repetitions as f64 * times_ms.len() as f64 + within) * 12_000.0
}

fn times() -> impl Strategy<Value = Vec<u64>> {
    proptest::collection::vec(0_u64..30, 1..60).prop_map(|gaps| {
        // Mostly repeated and neighbouring times, as recorded, with a silence now and then.
        let mut at = 0;
        let mut times: Vec<u64> = gaps
            .into_iter()
            .map(|gap| {
                at += if gap < 15 { gap / 5 } else { gap };
                at
            })
            .collect();
        if at == 0 {
            times.push(1);
        }
        times
    })
}

fn text(times: &[u64]) -> String {
    times.iter().map(|ms| format!("{ms}\n")).collect()
}

proptest! {
    #[test]
    fn the_curve_is_the_sum_of_its_opportunities(times in times(), at in 0_u64..400_000_000) {
        let trace = Trace::parse(&text(&times), "t").expect("rising times");
        let naive = naive_bits(&times, at);
        prop_assert!((trace.bits_by_ns(at) as f64 - naive).abs() <= 1.0, "{} is not {naive}", trace.bits_by_ns(at));
    }

    #[test]
    fn a_bit_leaves_at_the_first_nanosecond_by_which_it_could_have(times in times(), bits in 1_u64..5_000_000) {
        let trace = Trace::parse(&text(&times), "t").expect("rising times");
        let at = trace.ns_of_bit(bits).expect("it carries something");
        prop_assert!(trace.bits_by_ns(at) >= bits);
        prop_assert!(at == 0 || trace.bits_by_ns(at - 1) < bits);
    }

    #[test]
    fn scaling_multiplies_what_passes_and_keeps_silences_within_bounds(times in times(), factor in 0.01_f64..40.0) {
        let trace = Trace::parse(&text(&times), "t").expect("rising times");
        let scaled = trace.scaled(factor).expect("a plain factor");
        prop_assert_eq!(scaled.period(), trace.period());
        let wanted = trace.mean_bps() * factor;
        prop_assert!((scaled.mean_bps() - wanted).abs() <= wanted * 1e-3 + 2e3 / trace.period().as_secs_f64());
        for ms in 0..=trace.period().as_millis() as u64 {
            let ns = ms * NS_PER_MS;
            let (plain, many) = (trace.bits_by_ns(ns) as f64 * factor, scaled.bits_by_ns(ns) as f64);
            // Widening begins a burst earlier and never later, and never before the burst in front of it has ended.
            prop_assert!(many + 2.0 >= plain, "at {ms} ms: {many} < {plain}");
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic_and_faults_name_their_line(text in "[ -~\n\t]{0,80}") {
        if let Err(TraceError::Line { line, column, .. }) = Trace::parse(&text, "t") {
            let faulty = text.split('\n').nth(line - 1).expect("the line exists");
            prop_assert!(column >= 1 && column <= faulty.len());
        }
    }

    #[test]
    fn a_generated_trace_has_the_mean_asked_for(seed: u64, mbps in 1_u64..60) {
        let trace = Trace::generated(seed, Duration::from_secs(60), mbps * 1_000_000);
        prop_assert_eq!(trace.period(), Duration::from_secs(60));
        prop_assert!((trace.mean_bps() - mbps as f64 * 1e6).abs() < 1.0);
    }
}

#[test]
fn a_generated_trace_has_good_stretches_fades_and_gaps_and_repeats_by_seed() {
    let make = |seed| Trace::generated(seed, Duration::from_secs(300), 18_000_000);
    let trace = make(1);
    assert_eq!(trace, make(1));
    assert_ne!(trace, make(2));
    let rate = |step: u64, ms| trace.capacity_bps(Duration::from_millis(step * ms), Duration::from_millis(ms));
    let seconds: Vec<f64> = (0..600).map(|step| rate(step, 500)).collect();
    let share = |low: f64, high: f64| seconds.iter().filter(|&&bps| (low..high).contains(&bps)).count() as f64 / 600.0;
    assert!(share(15e6, 50e6) > 0.4, "good stretches: {}", share(15e6, 50e6));
    assert!(share(0.0, 4e6) > 0.02, "fades: {}", share(0.0, 4e6));
    assert!(share(60e6, f64::INFINITY) < 0.01, "no fantasies");
    assert!((0..15_000).any(|step| rate(step, 20) == 0.0), "handover gaps");
}

#[test]
fn a_fixed_rate_is_exact_and_zero_passes_nothing() {
    let trace = Trace::fixed(10_000_001);
    assert_eq!(trace.bits_by(Duration::from_secs(7)), 70_000_007);
    assert_eq!(trace.instant_of_bit(10_000_001), Some(Duration::from_secs(1)));
    let nothing = Trace::fixed(0);
    assert_eq!((nothing.bits_by(Duration::from_secs(9)), nothing.instant_of_bit(1)), (0, None));
    assert_eq!(nothing.capacity_bps(Duration::ZERO, Duration::from_secs(1)), 0.0);
    assert!(nothing.scaled_to_mean(1e6).is_err());
}

#[test]
fn faults_say_where_and_what_would_be_right() {
    let fault = |text: &str| Trace::parse(text, "up.trace").expect_err("a fault").to_string();
    let said = fault("1\n2\n  3x\n");
    assert!(said.starts_with("up.trace:3:3: \"3x\" is not a whole number of milliseconds"), "{said}");
    assert!(fault("1\n-4\n").starts_with("up.trace:2:1: \"-4\" is negative"));
    assert!(fault("1.5\n").contains("1:1: \"1.5\" is not a whole number"));
    assert!(fault("5\n\n# later\n4\n").contains("4:1: \"4\" is earlier than 5 on line 1"));
    assert!(fault("99999999999999999999999\n").contains("is too large"));
    assert!(fault("# nothing\n\n").contains("no delivery times"));
    assert!(fault("0\n0\n").starts_with("up.trace:2:1: the last time is 0"));
    let Err(missing) = Trace::load("/nonexistent/trace.up".as_ref()) else { panic!("there is no such file") };
    assert!(missing.to_string().starts_with("/nonexistent/trace.up: cannot read the trace"));
    let Err(scale) = Trace::fixed(5).scaled(f64::NAN) else { panic!("not a number") };
    assert!(scale.to_string().contains("cannot scale by NaN"));
}

#[test]
fn line_ends_of_other_systems_blank_lines_and_comments_do_no_harm() {
    let plain = Trace::parse("1\n3\n3\n8\n", "t").expect("plain");
    assert_eq!(Trace::parse("# made by hand\r\n1\r\n\r\n3\r\n 3\t\r\n8", "t").expect("adorned"), plain);
}

#[test]
fn recorded_traces_have_their_published_means() {
    let known = [("ATT-LTE-driving.up", 0.8), ("TMobile-LTE-short.up", 13.4), ("TMobile-UMTS-driving.up", 0.9)];
    for (file, mbps) in known {
        let Some(path) = testkit::data::shared(format!("traces/{file}")) else { continue };
        let trace = Trace::load(&path).expect("a recorded trace");
        assert!((trace.mean_bps() * 1e-6 - mbps).abs() <= 0.1, "{file}: {} bit/s", trace.mean_bps());
        let scaled = trace.scaled_to_mean(18e6).expect("a plain factor");
        assert!((scaled.mean_bps() - 18e6).abs() < 1e3, "{file}: {} bit/s", scaled.mean_bps());
    }
}
