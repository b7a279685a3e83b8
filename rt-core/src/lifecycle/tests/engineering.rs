use super::order::{Stage, at};
use crate::lifecycle::{Hand, Refusal, State};

#[test]
fn subsystems_are_driven_by_hand_in_engineering_mode_only() {
    let mut stage = Stage::new();
    assert_eq!(stage.supervisor.drive("camera", Hand::Start, at(0)), Err(Refusal::NotEngineering));
    stage.supervisor.set_engineering(true).expect("off");
    assert!(stage.supervisor.is_engineering());
    assert_eq!(stage.supervisor.drive("camera", Hand::Start, at(0)), Ok(()));
    let already = Refusal::Already { name: "camera".into(), up: true };
    assert_eq!(stage.supervisor.drive("camera", Hand::Start, at(0)), Err(already));
    let unknown = stage.supervisor.drive("engine", Hand::Stop, at(0)).expect_err("unknown");
    assert_eq!(unknown.to_string(), "there is no subsystem \"engine\"; there are camera, detector, core");
    assert_eq!(stage.supervisor.initialise(at(0)), Err(Refusal::Engineering));
    assert_eq!(stage.supervisor.drive("camera", Hand::Stop, at(0)), Ok(()));
    assert_eq!(stage.supervisor.drive("detector", Hand::Start, at(0)), Ok(()));
    stage.supervisor.set_engineering(false).expect("off");
    assert_eq!(stage.journal(), "+camera -camera +detector -detector", "off is off");
    assert_eq!(stage.supervisor.state(), State::Off);
}

#[test]
fn nothing_is_driven_by_hand_while_the_system_is_at_work() {
    let mut stage = Stage::running();
    assert_eq!(stage.supervisor.set_engineering(true), Err(Refusal::AtWork { state: State::Running }));
    stage.live(0, 6_000, &[0]);
    assert_eq!(stage.supervisor.state(), State::Degraded);
    assert_eq!(stage.supervisor.set_engineering(true), Err(Refusal::AtWork { state: State::Degraded }));
    assert_eq!(stage.supervisor.drive("camera", Hand::Stop, at(0)), Err(Refusal::NotEngineering));
}

#[test]
fn what_was_stopped_by_hand_keeps_the_system_from_work() {
    let mut stage = Stage::new();
    stage.supervisor.initialise(at(0)).expect("starts");
    stage.supervisor.set_engineering(true).expect("ready");
    stage.supervisor.drive("detector", Hand::Stop, at(0)).expect("stops");
    assert_eq!(stage.supervisor.run(at(0)), Err(Refusal::NotAllUp { down: vec!["detector".into()] }));
    stage.supervisor.drive("detector", Hand::Start, at(0)).expect("starts");
    assert_eq!(stage.supervisor.run(at(0)), Err(Refusal::Engineering));
    stage.supervisor.set_engineering(false).expect("ready");
    stage.supervisor.run(at(0)).expect("runs");
}

#[test]
fn a_failure_by_hand_is_a_fault_too() {
    for (hand, expected) in [
        (Hand::Start, "off → fault: camera did not start: no device"),
        (Hand::Stop, "off → fault: camera did not stop as it should: stuck"),
    ] {
        let mut stage = Stage::new();
        stage.supervisor.set_engineering(true).expect("off");
        stage.supervisor.drive("detector", Hand::Start, at(0)).expect("starts");
        stage.scripts[0].stop_fails.set(true);
        stage.scripts[0].start_fails.set(hand == Hand::Start);
        if hand == Hand::Stop {
            stage.supervisor.drive("camera", Hand::Start, at(0)).expect("starts");
        }
        let outcome = stage.supervisor.drive("camera", hand, at(0));
        assert_eq!(outcome.is_err(), hand == Hand::Start);
        assert_eq!(stage.supervisor.state(), State::Fault);
        assert!(stage.told().contains(&expected.to_owned()));
        assert!(stage.scripts.iter().all(|script| !script.up.get()), "nothing works on in a fault");
    }
}
