use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::allocation::Allocation;
use crate::choice::{Choice, Costs};
use crate::menu::Menu;
use crate::problem::{Capacity, Demand, MAX_WEIGHT, ServiceProblem};
use crate::solver::Solver;

const SERVICES: usize = 4;

fn signals() -> impl Strategy<Value = Option<TurnSignal>> {
    prop::sample::select(vec![
        None,
        Some(TurnSignal::Off),
        Some(TurnSignal::Left),
        Some(TurnSignal::Right),
        Some(TurnSignal::Hazard),
    ])
}

/// Numbers that a sensor may say, broken ones too.
fn numbers() -> impl Strategy<Value = Option<f64>> {
    prop::option::of(prop_oneof![-50.0..50.0f64, Just(f64::NAN), Just(f64::INFINITY), Just(-1e300)])
}

fn contexts() -> impl Strategy<Value = DrivingContext> {
    (numbers(), numbers(), signals(), prop::collection::vec(0..6usize, 0..4)).prop_map(
        |(speed_mps, steering_deg, turn_signal, tags)| DrivingContext {
            speed_mps,
            steering_deg,
            turn_signal,
            tags: tags.into_iter().fold(Tags::default(), Tags::with),
        },
    )
}

fn ranges() -> impl Strategy<Value = Option<Range>> {
    prop::option::of((-40.0..40.0f64, 0.0..60.0f64).prop_map(|(min, width)| Range { min, max: min + width }))
}

fn times() -> impl Strategy<Value = Vec<(usize, Duration)>> {
    prop::collection::vec((0..SERVICES, (0..5000_u64).prop_map(Duration::from_millis)), 0..2)
}

fn conditions() -> impl Strategy<Value = Condition> {
    let tags = prop::collection::vec(0..6usize, 0..2);
    (ranges(), ranges(), signals(), tags, times(), times())
        .prop_map(|(speed_mps, steering_deg, turn_signal, tags, no_detection_for, detected_within)| Condition {
            speed_mps,
            steering_deg,
            turn_signal,
            tags: tags.into_iter().fold(Tags::default(), Tags::with),
            no_detection_for,
            detected_within,
        })
        .prop_filter("it asks for something", |condition| !condition.is_empty())
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let weights = prop::collection::vec((0..SERVICES, 0.0..=MAX_WEIGHT), 0..4);
    let rule = (conditions(), weights).prop_map(|(when, weights)| Rule { name: "r".to_owned(), when, weights });
    prop::collection::vec(rule, 0..6)
}

fn own() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0.0..=MAX_WEIGHT, SERVICES)
}

fn made(own: &[f64], rules: Vec<Rule>, gain: f64) -> Evaluator {
    let timing = Timing { hold: Duration::from_millis(700), disagreement_gain: gain };
    Evaluator::new(Rules::new(own.to_vec(), rules, Vec::new(), timing).unwrap())
}

/// A drive: how long after the step before, what was known, and what a service's frame gave.
type Drive = Vec<(u64, DrivingContext, (usize, bool, f64))>;

fn drives() -> impl Strategy<Value = Drive> {
    let agreement = prop_oneof![0.0..=1.0f64, Just(f64::NAN), Just(-3.0)];
    prop::collection::vec((0..900_u64, contexts(), (0..SERVICES, any::<bool>(), agreement)), 1..30)
}

/// Drives along, looking at the evaluators at each step.
fn along(drive: &Drive, mut look: impl FnMut(Duration, &DrivingContext, &[Recent])) {
    let mut now = Duration::from_secs(3);
    let mut recent = vec![Recent::new(Duration::from_secs(2), now); SERVICES];
    for (later, context, (service, detected, agreement)) in drive {
        now += Duration::from_millis(*later);
        recent[*service].add(FrameResult { at: now, detected: *detected, agreement: Some(*agreement), utility: 0.3 });
        look(now, context, &recent);
    }
}

proptest! {
    #[test]
    fn weights_stay_in_bounds_whatever_is_said(own in own(), rules in rules(), gain in 0.0..=10.0f64, drive in drives()) {
        let mut evaluator = made(&own, rules, gain);
        along(&drive, |now, context, recent| {
            evaluator.evaluate(now, context, recent);
            assert!(evaluator.weights().iter().all(|weight| (0.0..=MAX_WEIGHT).contains(weight)));
            assert!(evaluator.factors().iter().all(|factor| (1.0..=1.0 + gain).contains(factor)));
        });
    }

    #[test]
    fn the_order_of_rules_means_nothing(own in own(), rules in rules(), drive in drives()) {
        let mut forwards = made(&own, rules.clone(), 1.0);
        let mut backwards = made(&own, rules.into_iter().rev().collect(), 1.0);
        along(&drive, |now, context, recent| {
            forwards.evaluate(now, context, recent);
            backwards.evaluate(now, context, recent);
            assert_eq!(forwards.weights(), backwards.weights());
        });
    }

    #[test]
    fn more_weight_in_a_rule_is_never_less_for_anybody(
        own in own(), rules in rules(), which in any::<prop::sample::Index>(), drive in drives(),
    ) {
        prop_assume!(!rules.is_empty());
        let mut raised = rules.clone();
        for (_, weight) in &mut raised[which.index(rules.len())].weights {
            *weight = (*weight * 1.5).min(MAX_WEIGHT);
        }
        let (mut low, mut high) = (made(&own, rules, 0.5), made(&own, raised, 0.5));
        along(&drive, |now, context, recent| {
            low.evaluate(now, context, recent);
            high.evaluate(now, context, recent);
            assert!(low.weights().iter().zip(high.weights()).all(|(low, high)| low <= high));
        });
    }

    #[test]
    fn a_rule_touches_what_it_names_and_lowers_nothing_that_another_raised(
        own in own(), rules in rules(), drive in drives(),
    ) {
        let Some((last, others)) = rules.split_last() else { return Ok(()) };
        let (mut without, mut with) = (made(&own, others.to_vec(), 0.0), made(&own, rules.clone(), 0.0));
        let bit = others.len();
        along(&drive, |now, context, recent| {
            without.evaluate(now, context, recent);
            with.evaluate(now, context, recent);
            let active = with.active() >> bit & 1 == 1;
            for service in 0..SERVICES {
                let (before, after) = (without.weights()[service], with.weights()[service]);
                let named = last.weights.iter().any(|(index, _)| *index == service);
                let named_before = others.iter().enumerate().any(|(index, rule)| {
                    without.active() >> index & 1 == 1 && rule.weights.iter().any(|(index, _)| *index == service)
                });
                assert!((named && active) || before == after);
                assert!(!named_before || after >= before);
            }
        });
    }

    #[test]
    fn a_rule_outlives_its_condition_by_the_hold_time(held_ms in 0..2000_u64) {
        let when = Condition { turn_signal: Some(TurnSignal::Left), ..Condition::default() };
        let mut evaluator = made(&[1.0], vec![Rule { name: "left".to_owned(), when, weights: vec![(0, 5.0)] }], 0.0);
        let left = DrivingContext { turn_signal: Some(TurnSignal::Left), ..DrivingContext::default() };
        evaluator.evaluate(Duration::from_secs(1), &left, &[]);
        prop_assert_eq!(evaluator.weights(), [5.0]);
        evaluator.evaluate(Duration::from_secs(1) + Duration::from_millis(held_ms), &DrivingContext::default(), &[]);
        let expected = if held_ms < 700 { 5.0 } else { 1.0 };
        prop_assert_eq!(evaluator.weights(), [expected]);
    }

    /// Whatever the weights become, no service is allocated less than its on-vehicle detector finds alone.
    #[test]
    fn the_on_vehicle_floor_is_nobodys_to_give_away(
        own in own(), rules in rules(), drive in drives(), floor in 0.0..1.0f64, rate in 0.0..2e7f64,
        entries in prop::collection::vec((1e4..4e6f64, 0.0..1.0f64), 1..6),
    ) {
        let choices = entries.iter().enumerate().map(|(index, &(bits, accuracy))| {
            let costs = Costs { payload_bits: bits, mean_bits: bits, encode_s: 0.0, execution_s: 0.03 };
            Choice::new(format!("m{index}-imgcomp50-inpcompNone").parse().unwrap(), costs, accuracy).unwrap()
        });
        let menu = Menu::new(choices.collect()).unwrap();
        let demand = Demand { weight: 1.0, slo_s: 0.2, fps: 5.0, margin_s: 0.01, floor_accuracy: floor };
        let mut services = vec![ServiceProblem::new(demand, menu.clone()).unwrap(); SERVICES];
        let capacity = Capacity::new(rate, 0.04).unwrap();
        let mut solver = Solver::new(SERVICES, entries.len());
        let mut allocation = Allocation::with_capacity(SERVICES);
        let mut evaluator = made(&own, rules, 2.0);
        along(&drive, |now, context, recent| {
            evaluator.evaluate(now, context, recent);
            for (service, weight) in services.iter_mut().zip(evaluator.weights()) {
                service.set_weight(*weight).expect("every weight is one that a service may have");
            }
            solver.solve(&services, &capacity, &mut allocation).unwrap();
            for given in allocation.services() {
                let accuracy = given.choice.map_or(floor, |choice| menu.choices()[choice].accuracy());
                assert!(accuracy >= floor);
            }
        });
    }
}

#[test]
fn disagreement_raises_a_weight_and_agreement_does_not() {
    let mut evaluator = made(&[1.0, 1.0, 0.0], Vec::new(), 2.0);
    let mut recent = vec![Recent::new(Duration::from_secs(5), Duration::ZERO); 3];
    let mut see = |at: u64, agreements: [f64; 3]| {
        let at = Duration::from_millis(at);
        for (recent, agreement) in recent.iter_mut().zip(agreements) {
            recent.add(FrameResult { at, detected: true, agreement: Some(agreement), utility: 0.5 });
        }
        evaluator.evaluate(at, &DrivingContext::default(), &recent);
        evaluator.weights().to_vec()
    };
    for at in [100, 200, 300] {
        assert_eq!(see(at, [0.0, 1.0, 0.0]), [1.0, 1.0, 0.0], "too few frames to say anything");
    }
    assert_eq!(see(400, [0.0, 1.0, 0.0]), [3.0, 1.0, 0.0]);
    assert_eq!(see(500, [0.1, 1.0, 0.0]), [3.0, 1.0, 0.0], "a small step is none");
    assert!(see(600, [1.0, 1.0, 0.0])[0] < 3.0);
    assert!(evaluator.evaluate(Duration::from_secs(60), &DrivingContext::default(), &recent), "long ago is unknown");
    assert_eq!(evaluator.weights(), [1.0, 1.0, 0.0]);
}

#[test]
fn rules_that_make_no_sense_are_refused_by_name() {
    let timing = Timing { hold: Duration::ZERO, disagreement_gain: 0.0 };
    let when = Condition { turn_signal: Some(TurnSignal::Left), ..Condition::default() };
    let rule = |weights| Rule { name: "turn".to_owned(), when: when.clone(), weights };
    let said = |own: Vec<f64>, rules, timing| Rules::new(own, rules, Vec::new(), timing).unwrap_err().to_string();
    for bad in [f64::NAN, -1.0, 1000.5, f64::INFINITY] {
        let text = said(vec![1.0], vec![rule(vec![(0, bad)])], timing);
        assert!(text.contains("\"turn\"") && text.contains(&format!("{bad}")) && text.contains("0 to 1000"), "{text}");
        assert!(said(vec![bad], Vec::new(), timing).contains("service number 0"));
        assert!(said(vec![1.0], Vec::new(), Timing { disagreement_gain: bad, ..timing }).contains("0 to 10"));
    }
    assert!(said(vec![1.0], vec![rule(vec![(1, 1.0)])], timing).contains("service number 1"));
    let always = Rule { name: "always".to_owned(), when: Condition::default(), weights: vec![(0, 1.0)] };
    assert!(said(vec![1.0], vec![always], timing).contains("asks for nothing"));
    assert!(said(vec![1.0], vec![rule(Vec::new()); MOST_RULES + 1], timing).contains("65 rules"));
}

#[test]
fn what_is_unknown_holds_nowhere() {
    let wide = Range { min: f64::NEG_INFINITY, max: f64::INFINITY };
    let condition = Condition { speed_mps: Some(wide), ..Condition::default() };
    assert!(!condition.holds(Duration::ZERO, &DrivingContext::default(), &[]));
    let broken = DrivingContext { speed_mps: Some(f64::NAN), ..DrivingContext::default() };
    assert!(!condition.holds(Duration::ZERO, &broken, &[]));
    let never = Condition { no_detection_for: vec![(3, Duration::ZERO)], ..Condition::default() };
    assert!(!never.holds(Duration::ZERO, &DrivingContext::default(), &[]), "a service that is not there");
}
