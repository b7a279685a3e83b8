use proptest::prelude::*;

use super::*;

const CAR: &str = "car/a/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e01";
const OTHER: &str = "car/b/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e02";

fn identity(text: &str) -> Identity {
    text.parse().expect("an identity")
}

fn certificate(mark: u8, bearer: Bearer) -> PeerCertificate {
    PeerCertificate { der: [mark].into(), bearer }
}

fn at(ms: u64) -> Monotonic {
    Monotonic::from_ns(ms * 1_000_000)
}

fn limits() -> GatewayLimits {
    GatewayLimits {
        max_cars: 2,
        max_car_bytes: 1_000,
        max_car_bytes_per_s: 100,
        max_certificate_connections: 3,
        ..GatewayLimits::default()
    }
}

/// Joins at once, always as another process; what closes a connection is whether it is dead.
fn join(admission: &mut Admission<bool>, car: &str, dead: bool, now: Monotonic) -> Result<(u64, Vec<bool>), String> {
    let process = admission.next_connection;
    admission.join((&identity(car), process), dead, &limits(), now, |dead| *dead)
}

fn is_here<C>(admission: &Admission<C>, connection: u64) -> bool {
    admission.cars.values().flat_map(|present| &present.places).any(|place| place.connection == connection)
}

#[test]
fn a_hello_has_to_be_its_certificates() {
    let own = certificate(1, Bearer::One(identity(CAR)));
    assert_eq!(own.may_be(&identity(CAR), false), Ok(()));
    let refused = own.may_be(&identity(OTHER), true).expect_err("another's");
    assert!(refused.contains(CAR) && refused.contains(OTHER), "{refused}");
    let fleet = certificate(1, Bearer::Fleet);
    assert_eq!(fleet.may_be(&identity(OTHER), true), Ok(()));
    assert!(fleet.may_be(&identity(OTHER), false).is_err_and(|reason| reason.contains("fleet")));
    let nobody = PeerCertificate::read(b"not a certificate");
    assert!(nobody.may_be(&identity(CAR), true).is_err());
}

#[test]
fn an_identity_alive_keeps_its_place_and_a_dead_one_gives_it_up() {
    let mut admission = Admission::default();
    let (first, none) = join(&mut admission, CAR, false, at(0)).expect("joined");
    assert_eq!(none, []);
    assert!(join(&mut admission, CAR, false, at(1)).is_err_and(|reason| reason.contains("connected already")));
    admission.leave(first);
    let (dead, _) = join(&mut admission, CAR, true, at(2)).expect("joined");
    let (second, replaced) = join(&mut admission, CAR, false, at(3)).expect("joined");
    assert_eq!(replaced, [true], "what closes the dead one");
    admission.leave(dead);
    assert!(is_here(&admission, second), "the late end of the dead one harms nobody");
    join(&mut admission, OTHER, false, at(4)).expect("joined");
    let third = "car/c/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e03";
    assert!(join(&mut admission, third, false, at(5)).is_err_and(|reason| reason.contains("2 cars")));
}

#[test]
fn a_car_may_make_its_next_connection_before_it_breaks_the_last() {
    let (limits, mut admission) = (GatewayLimits { max_car_connections: 2, ..limits() }, Admission::default());
    let mut join = |dead| admission.join((&identity(CAR), 7), dead, &limits, at(0), |dead| *dead);
    let (first, _) = join(false).expect("joined");
    let (second, replaced) = join(true).expect("joined");
    assert_eq!(replaced, []);
    let (third, replaced) = join(false).expect("joined");
    assert_eq!(replaced, [true], "the dead one makes room");
    assert!(join(false).is_err_and(|reason| reason.contains("2 connections")));
    assert!(admission.car_of(first).is_some() && admission.car_of(first) == admission.car_of(third));
    assert_eq!(admission.hold(first, 600, &limits, at(0)), Ok(()));
    assert_eq!(admission.hold(third, 600, &limits, at(0)), Err(Excess::Held), "they share what the car may have");
    for connection in [second, first] {
        admission.leave(connection);
    }
    assert!(is_here(&admission, third));
    admission.leave(third);
    assert!(admission.cars.is_empty());
}

#[test]
fn connections_are_counted_by_certificate() {
    let mut admission = Admission::<bool>::default();
    let (own, other) = (certificate(1, Bearer::One(identity(CAR))), certificate(2, Bearer::Fleet));
    for _ in 0..3 {
        assert_eq!(admission.opened(&own, &limits()), Opening::Heard);
    }
    for _ in 0..3 {
        let opening = admission.opened(&own, &limits());
        assert!(matches!(&opening, Opening::Refused(reason) if reason.contains("3 connections")), "{opening:?}");
    }
    assert!(matches!(admission.opened(&own, &limits()), Opening::Closed(_)), "too many to explain it to");
    assert_eq!(admission.opened(&other, &limits()), Opening::Heard, "another's is no matter");
    for _ in 0..4 {
        admission.closed(&own);
    }
    assert!(matches!(admission.opened(&own, &limits()), Opening::Refused(_)), "three are there still");
    admission.closed(&own);
    admission.closed(&own);
    assert_eq!(admission.opened(&own, &limits()), Opening::Heard);
}

#[test]
fn bytes_are_a_cars_over_its_connections_and_over_time() {
    let mut admission = Admission::default();
    let (dead, _) = join(&mut admission, CAR, true, at(0)).expect("joined");
    assert_eq!(admission.hold(dead, 600, &limits(), at(0)), Ok(()));
    let (alive, _) = join(&mut admission, CAR, false, at(0)).expect("joined");
    assert_eq!(admission.hold(alive, 600, &limits(), at(0)), Err(Excess::Held), "the dead one's are held still");
    admission.leave(dead);
    assert_eq!(admission.hold(alive, 600, &limits(), at(0)), Err(Excess::Rate), "of 1,000 600 were spent");
    assert_eq!(admission.hold(alive, 400, &limits(), at(0)), Ok(()));
    admission.release(alive, 400);
    assert_eq!(admission.hold(alive, 100, &limits(), at(999)), Err(Excess::Rate), "100 a second");
    assert_eq!(admission.hold(alive, 100, &limits(), at(1_000)), Ok(()));
    admission.leave(alive);
    let (again, _) = join(&mut admission, CAR, false, at(1_500)).expect("joined");
    assert_eq!(admission.hold(again, 100, &limits(), at(1_500)), Err(Excess::Rate), "coming back buys nothing");
    assert_eq!(admission.hold(77, 1, &limits(), at(1_500)), Err(Excess::Held), "nobody's");
}

#[test]
fn whoever_comes_and_goes_leaves_nothing() {
    let mut admission = Admission::default();
    for round in 0..10_000_u64 {
        let car = format!("car/a/8f14e45f-ceea-467f-a8f5-{round:012x}");
        let seen = certificate((round % 7) as u8, Bearer::Fleet);
        assert_eq!(admission.opened(&seen, &limits()), Opening::Heard, "one at a time");
        let (connection, _) = join(&mut admission, &car, false, at(round * 10)).expect("joined");
        admission.hold(connection, 30, &limits(), at(round * 10)).expect("room");
        if round % 2 == 0 {
            admission.release(connection, 30);
        }
        admission.leave(connection);
        admission.closed(&seen);
        assert!(admission.purses.len() <= IDLE_PURSES + 40, "{} after {round}", admission.purses.len());
    }
    assert!(admission.cars.is_empty() && admission.accounts.is_empty() && admission.open.is_empty());
}

proptest! {
    #[test]
    fn no_order_of_events_lets_a_car_hold_or_send_more(
        steps in proptest::collection::vec((0..5_u8, 0..3_u8, 0..700_u64, 0..400_u64), 1..200),
    ) {
        let (limits, mut admission) = (limits(), Admission::default());
        let cars = [CAR, OTHER, "car/c/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e03"];
        let mut now = 0;
        let mut here: Vec<(u64, u8, Vec<u64>)> = vec![];
        let mut sent = [0_u64; 3];
        for (action, car, bytes, pause) in steps {
            now += pause;
            let index = usize::from(car);
            match action {
                0 => if let Ok((connection, _)) =
                    admission.join((&identity(cars[index]), now), pause % 2 == 0, &limits, at(now), |dead| *dead)
                {
                    here.push((connection, car, vec![]));
                },
                1 => if let Some(place) = here.iter().position(|entry| entry.1 == car) {
                    admission.leave(here.remove(place).0);
                },
                2 => if let Some((connection, _, held)) = here.iter_mut().find(|entry| entry.1 == car)
                    && let Some(bytes) = held.pop()
                {
                    admission.release(*connection, bytes);
                },
                _ => if let Some((connection, _, held)) = here.iter_mut().rev().find(|entry| entry.1 == car)
                    && admission.hold(*connection, bytes, &limits, at(now)).is_ok()
                {
                    held.push(bytes);
                    sent[index] += bytes;
                },
            }
            for car in 0..3_u8 {
                let held: u64 = here.iter().filter(|entry| entry.1 == car).flat_map(|entry| &entry.2).sum();
                prop_assert!(held <= limits.max_car_bytes);
                // A bucket of 1,000 that fills by 100 a second; purses are forgotten only when they are full.
                prop_assert!(sent[usize::from(car)] <= 1_000 + now / 10);
            }
            prop_assert!(admission.cars.len() <= 2);
        }
        for (connection, ..) in here {
            admission.leave(connection);
        }
        prop_assert!(admission.cars.is_empty() && admission.accounts.is_empty());
        prop_assert!(admission.purses.values().all(|purse| purse.held == 0));
    }
}
