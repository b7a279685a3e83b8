//! Each mistake gives one clear message with file, line, column, the line itself and what would be right.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail aloud"
)]

use std::path::Path;

use config::Profile;
use config::car::CarProfile;
use config::cloud::CloudProfile;
use config::table::UtilityTable;

fn shipped(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// Puts `new` in the place of the `nth` (from 1) `old` of the file, and gives the message that the file is refused with.
fn message<P: Profile + std::fmt::Debug>(name: &str, (nth, old): (usize, &str), new: &str) -> String {
    let text = shipped(name);
    let at = text.match_indices(old).nth(nth - 1).unwrap_or_else(|| panic!("{name} has no {old:?}")).0;
    let changed = format!("{}{new}{}", &text[..at], &text[at + old.len()..]);
    let error = P::parse(&changed, Path::new("conf/some.yaml")).expect_err(new);
    let message = error.to_string();
    for problem in error.problems() {
        let (line, column) = problem.line_and_column().unwrap_or_else(|| panic!("no place: {message}"));
        let content = changed.lines().nth(line - 1).unwrap_or_else(|| panic!("no line {line}: {message}"));
        assert!(column <= content.chars().count() + 1, "{message}");
        assert!(message.contains(&format!("conf/some.yaml:{line}:{column}: {}", problem.message())), "{message}");
        assert!(message.contains(&format!("{line} | {content}\n")), "{message}");
    }
    message
}

/// The message names the place (the text that the caret points at) and contains every word.
fn assert_says(message: &str, at: &str, words: &[&str]) {
    for word in words {
        assert!(message.contains(word), "no {word:?} in:\n{message}");
    }
    let lines: Vec<&str> = message.lines().collect();
    let content = lines[lines.len() - 2].split_once(" | ").unwrap().1;
    let caret = lines[lines.len() - 1].split_once(" | ").unwrap().1;
    let pointed = content.get(caret.len() - 1..).unwrap();
    assert!(pointed.trim_start().starts_with(at), "points at {pointed:?}, not {at:?}:\n{message}");
}

/// What is replaced, by what, where the caret points then, and what the message says.
type Case = ((usize, &'static str), &'static str, &'static str, &'static [&'static str]);

#[test]
fn a_car_profile_says_what_is_wrong_with_it() {
    let cases: &[Case] = &[
        (
            (1, "slo_ms: 200"),
            "slo: 200",
            "slo",
            &["unknown key `slo`", "did you mean `slo_ms`?", "fps, slo_ms, weight"],
        ),
        ((1, "hysteresis: "), "hysterisis: ", "hysterisis", &["did you mean `hysteresis`?"]),
        ((1, "cost_per_mb: 0"), "cost_per_mb: -0.1", "-0.1", &["cost_per_mb` is -0.1; expected 0 to 1000 of weighted"]),
        ((1, "cost_per_mb: 0"), "cost_per_mb: .nan", ".nan", &["cost_per_mb` is NaN; expected 0 to 1000 of weighted"]),
        ((1, "threads:"), "zzzzzzz:", "zzzzzzz", &["unknown key `zzzzzzz`", "one of run, services, vehicle, cloud"]),
        ((1, "    slo_ms: 200\n"), "", "weight", &["the key `slo_ms` is missing"]),
        ((1, "fps: 5"), "fps: five", "five", &["`fps` is `five`; expected a number"]),
        ((1, "fps: 5"), "fps: 0", "0", &["`services[0].fps` is 0; expected 0.1 to 240 frames per second"]),
        ((1, "fps: 5"), "fps: .nan", ".nan", &["`services[0].fps` is NaN; expected 0.1 to 240"]),
        ((1, "fps: 5"), "fps: -.inf", "-.inf", &["is -inf; expected 0.1 to 240"]),
        ((2, "slo_ms: 200"), "slo_ms: 5", "5", &["`services[1].slo_ms` is 5; expected 10 to 10000 ms"]),
        ((1, "weight: 2"), "weight: -1", "-1", &["is -1; expected 0 to 1000"]),
        (
            (1, "name: left"),
            "name: front",
            "front",
            &["`services[1].name` is \"front\", as in entry 0; expected a different"],
        ),
        ((1, "name: left"), "name: ''", "''", &["is \"\"; expected a text"]),
        ((2, "synthetic:"), "video:", "video", &["unknown value `video`; expected one of synthetic, files"]),
        ((1, "width: 1920"), "width: 8", "8", &["width` is 8; expected 64 to 7680 pixels"]),
        ((1, "height: 1080"), "height: 4321", "4321", &["`height` is 4321; expected 64 to 4320 pixels"]),
        ((1, "dir: frames/right"), "dir: ''", "''", &["`dir` is empty; expected a path"]),
        (
            (1, "width: 1920"),
            "width: 19.5",
            "19.5",
            &["`width` is `19.5`; expected a whole number from 0 to 4294967295"],
        ),
        ((1, "frame_slots: 8"), "frame_slots: 8\n  frame_slots: 9", "frame_slots", &["a second time"]),
        (
            (1, "margin_ms: 8"),
            "margin_ms: 500",
            "margin_ms",
            &["leaves service \"front\" no time: margin_ms is 500, its slo_ms 200"],
        ),
        (
            (1, "huge_pages: require"),
            "huge_pages: always",
            "always",
            &["unknown value `always`", "require, prefer, never"],
        ),
        ((1, "lock: true"), "lock: yes", "yes", &["`lock` is `yes`; expected true or false"]),
        ((1, "uplink_slot_bytes: 8388608"), "uplink_slot_bytes: 1", "1", &["is 1; expected 4096 to 268435456 bytes"]),
        ((1, "mode: strict"), "mode: strikt", "strikt", &["did you mean `strict`?", "best_effort, strict"]),
        ((1, "    priority: 60\n"), "", "fifo", &["`threads.capture.policy` is real-time, which needs a `priority`"]),
        (
            (1, "policy: turbo"),
            "policy: oracle",
            "oracle",
            &["`allocation.policy` is oracle, which knows the future", "turbo"],
        ),
        ((1, "priority: 60"), "priority: 100", "100", &["is 100; expected 1 to 99"]),
        ((1, "nice: 10"), "priority: 10", "other", &["is other, which has no `priority`"]),
        (
            (1, "policy: rr"),
            "policy: deadline",
            "deadline",
            &["`threads.detector.policy` is deadline, which has no `priority` and no `nice`; expected `runtime_us`"],
        ),
        (
            (1, "policy: rr\n    priority: 30"),
            "policy: deadline\n    runtime_us: 2000\n    deadline_us: 1000\n    period_us: 3000",
            "deadline",
            &["has runtime_us 2000, deadline_us 1000 and period_us 3000; expected runtime_us <= deadline_us"],
        ),
        (
            (1, "policy: rr\n    priority: 30"),
            "policy: deadline\n    runtime_us: 1000\n    deadline_us: 1000",
            "deadline",
            &["needs `runtime_us`, `deadline_us` and `period_us`; expected all three"],
        ),
        (
            (1, "policy: rr\n    priority: 30"),
            "policy: deadline\n    runtime_us: 1\n    deadline_us: 1000\n    period_us: 1000",
            "1",
            &["`threads.detector.runtime_us` is 1; expected 2 to 4000000 us"],
        ),
        (
            (1, "priority: 70\n"),
            "priority: 70\n    period_us: 1000\n",
            "fifo",
            &[
                "`threads.service.policy` has no `runtime_us`, `deadline_us` and `period_us`; expected those with deadline",
            ],
        ),
        ((1, "wait: futex"), "wait: epol", "epol", &["did you mean `epoll`?", "futex, spin_then_futex, spin, epoll"]),
        (
            (1, "wait: futex"),
            "wait: epoll",
            "epoll",
            &["`threads.capture.wait` is epoll, for threads that wait on sockets; expected futex"],
        ),
        ((1, "wait: epoll"), "wait: spin", "spin", &["`threads.transport.wait` has to be epoll"]),
        ((1, "spin_us: 20"), "spin_us: 0", "0", &["`threads.service.spin_us` is 0; expected 1 to 10000 us"]),
        (
            (1, "wait: spin_then_futex"),
            "wait: spin",
            "20",
            &["`threads.service.spin_us` is for spin_then_futex; expected that as `wait`"],
        ),
        (
            (1, "wait: epoll"),
            "spin_us: 20",
            "20",
            &["`threads.transport.spin_us` is for spin_then_futex; expected no `spin_us`"],
        ),
        (
            (1, "# stack_kib: 2048"),
            "stack_kib: 63",
            "63",
            &["`threads.capture.stack_kib` is 63; expected 64 to 1048576 KiB"],
        ),
        (
            (1, "# heartbeat_ms: 5000"),
            "heartbeat_ms: 99",
            "99",
            &["`threads.capture.heartbeat_ms` is 99; expected 100 to 600000 ms"],
        ),
        ((1, "on_loss: degrade"), "on_loss: ignore", "ignore", &["unknown value `ignore`", "degrade, fault"]),
        (
            (1, "spin_us: 20"),
            "on_loss: degrade",
            "degrade",
            &[
                "`threads.service.on_loss` is degrade, but without its service thread a camera's frames have no decision",
            ],
        ),
        ((1, "cores: [2, 3]"), "cores: [2, 2]", "[2, 2]", &["`threads.encoder.cores` names core 2 twice"]),
        ((1, "cores: [2, 3]"), "cores: [2, 4096]", "[2, 4096]", &["names core 4096; expected numbers from 0 to 1023"]),
        ((1, "cores: [2, 3]"), "cores: 2", "2", &["expected a list"]),
        (
            (1, "policy: turbo"),
            "policy: best",
            "best",
            &["\"best\" is not a policy; expected turbo, prototype, on-vehicle"],
        ),
        ((1, "policy: turbo"), "policy: fixed:edd4", "fixed:edd4", &["no -inpcomp part", "expected <model>-imgcomp"]),
        ((1, "hold_s: 2"), "hold_s: 0", "0", &["`context.hold_s` is 0; expected 0.1 to 60 s"]),
        ((1, "max_age_s: 10"), "max_age_s: .nan", ".nan", &["`context.max_age_s` is NaN; expected 0.1 to 3600 s"]),
        ((1, "recent_s: 5"), "recent_s: 61", "61", &["`context.recent_s` is 61; expected 0.5 to 60 s"]),
        (
            (1, "disagreement_gain: 0"),
            "disagreement_gain: -1",
            "-1",
            &["`context.disagreement_gain` is -1; expected 0 to 10"],
        ),
        (
            (1, "        left: 3\n"),
            "        lef: 3\n",
            "3",
            &["`context.rules[0].weights.lef` names `lef`, which is no service; expected one of front, left, right"],
        ),
        (
            (1, "        left: 3\n"),
            "        left: 1001\n",
            "1001",
            &["`context.rules[0].weights.left` is 1001; expected 0 to 1000"],
        ),
        ((1, "        left: 3\n"), "        left: .nan\n", ".nan", &["weights.left` is NaN; expected 0 to 1000"]),
        ((1, "        left: 3\n"), "        left: -3\n", "-3", &["weights.left` is -3; expected 0 to 1000"]),
        (
            (1, "        left: 3\n"),
            "        left: 3\n        left: 4\n",
            "left",
            &["`left` stands in this block a second"],
        ),
        ((1, "        left: 3\n"), "        {}\n", "{}", &["`context.rules[0].weights` is empty; expected a service"]),
        (
            (1, "name: turning right"),
            "name: turning left",
            "turning left",
            &["`context.rules[1].name` is \"turning left\", as in entry 0; expected a different one"],
        ),
        (
            (1, "turn_signal: left"),
            "turn_signal: west",
            "west",
            &["\"west\" is no turn signal; expected off, left, right or hazard"],
        ),
        (
            (1, "        turn_signal: left\n"),
            "        {}\n",
            "{}",
            &["`context.rules[0].when` asks for nothing and would always apply; expected one of speed_mps"],
        ),
        (
            (1, "turn_signal: left"),
            "signal: left",
            "signal",
            &["unknown key `signal`", "one of speed_mps, steering_deg"],
        ),
        (
            (1, "          min: 0.5\n          max: 14\n"),
            "          min: 15\n          max: 14\n",
            "min",
            &["`context.rules[2].when.speed_mps` has min 15 above max 14"],
        ),
        (
            (1, "          min: 0.5\n          max: 14\n"),
            "          max: 151\n",
            "max",
            &["has a max that is 151; expected 0 to 150 m/s"],
        ),
        (
            (1, "          min: 90\n"),
            "          {}\n",
            "{}",
            &["`context.rules[3].when.steering_deg` has neither min nor max"],
        ),
        (
            (1, "tags: [crossing]"),
            "tags: [Crossing]",
            "[Crossing]",
            &["has \"Crossing\"; expected names of 1 to 40 small"],
        ),
        ((1, "          left: 30\n"), "          rear: 30\n", "30", &["names `rear`, which is no service"]),
        ((1, "          left: 30\n"), "          left: -1\n", "-1", &["is -1; expected 0 to 3600 s"]),
        ((1, "# control: /run/turbo/car.sock"), "control: ''", "''", &["`control` is empty; expected a path"]),
        ((1, "address: cloud.example:4433"), "address: cloud.example", "cloud.example", &["expected host:port"]),
        (
            (1, "# uplinks: [wwan0, wlan0]"),
            "uplinks: [wwan0, wwan0]",
            "[wwan0, wwan0]",
            &["`cloud.uplinks` has \"wwan0\" twice"],
        ),
        (
            (1, "# uplinks: [wwan0, wlan0]"),
            "uplinks: [10.0.0.2:80]",
            "[10.0.0.2:80]",
            &["expected the name of an interface, such as wwan0, or an address"],
        ),
        ((1, "# uplinks: [wwan0, wlan0]"), "uplinks: [a, b, c, d, e]", "[a, b, c, d, e]", &["expected at most 4"]),
        ((1, "carrier: auto"), "carrier: pigeon", "pigeon", &["expected one of auto, stream, datagram, prototype"]),
        ((1, "probe: none"), "probe: true", "true", &["expected one of none, fill, idle"]),
        (
            (1, "probe: none"),
            "probe: fill",
            "fill",
            &["`cloud.probe` is fill with carrier auto, which sends no probe; expected none, or carrier: prototype"],
        ),
        ((1, "model: models/edd1.onnx"), "model: ''", "''", &["`vehicle.model` is empty; expected a path"]),
        ((1, "model: models/edd1.onnx"), "model:", "", &["`model` has no value; expected a text"]),
        (
            (1, "client_queries: 100"),
            "client_queries: 0",
            "0",
            &["`run.max_entries.client_queries` is 0; expected 1 to 100000"],
        ),
    ];
    for (place, new, at, words) in cases {
        assert_says(&message::<CarProfile>("car.yaml", *place, new), at, words);
    }
}

#[test]
fn a_car_without_a_cloud_cannot_do_without_its_detector() {
    let text = shipped("car.yaml");
    let (start, end) = (text.find("cloud:\n").unwrap(), text.find("# How the uplink is divided.").unwrap());
    let alone = format!("{}{}", &text[..start], &text[end..]);
    let error = CarProfile::parse(&alone, Path::new("c.yaml")).unwrap_err().to_string();
    let said = "`threads` has detector.on_loss degrade, but without a `cloud` nothing else detects; expected fault";
    assert_says(&error, "mode", &[said]);
}

#[test]
fn a_cloud_profile_says_what_is_wrong_with_it() {
    let cases: &[Case] = &[
        ((1, "name: edd4"), "name: edd2", "edd2", &["`models[1].name` is \"edd2\", as in entry 0"]),
        ((1, "workers: 4"), "workers: 0", "0", &["`workers` is 0; expected 1 to 256 workers"]),
        ((1, "listen: 0.0.0.0:4433"), "listen: 0.0.0.0:99999", "0.0.0.0:99999", &["expected host:port"]),
        (
            (1, "frame_bytes: 8388608"),
            "frame_bytes: 8M",
            "8M",
            &["`frame_bytes` is `8M`; expected a whole number from 0"],
        ),
        (
            (1, "on_loss: fault"),
            "on_loss: degrade",
            "degrade",
            &["`threads.gateway.on_loss` is degrade, but without the gateway no car is served; expected fault"],
        ),
        (
            (1, "workers: 4"),
            "workers: 1",
            "mode",
            &["`threads` has worker.on_loss degrade, but there is one worker only; expected fault"],
        ),
        ((1, "cars: 64"), "cars: -1", "-1", &["`cars` is `-1`; expected a whole number from 0"]),
    ];
    for (place, new, at, words) in cases {
        assert_says(&message::<CloudProfile>("cloud.yaml", *place, new), at, words);
    }
    let text = shipped("cloud.yaml");
    let (start, end) = (text.find("models:\n").unwrap(), text.find("# Worker threads").unwrap());
    let without = format!("{}models: []\n\n{}", &text[..start], &text[end..]);
    let error = CloudProfile::parse(&without, Path::new("c.yaml")).unwrap_err().to_string();
    assert_says(&error, "[]", &["`models` is empty; expected at least one entry"]);
}

#[test]
fn a_table_says_what_is_wrong_with_it() {
    let cases: &[Case] = &[
        (
            (1, "payload_megabit_p50: 1.89"),
            "payload_megabit_p50: .nan",
            ".nan",
            &["is NaN; expected 0.0001 to 10000 megabit"],
        ),
        ((1, "payload_megabit_p50: 1.89"), "payload_megabit_p50: -1", "-1", &["is -1; expected 0.0001"]),
        (
            (1, "payload_megabit_p95: 1.89"),
            "payload_megabit_p95: 1.5",
            "1.5",
            &["is 1.5, below payload_megabit_p50 (1.89)"],
        ),
        ((1, "execution_ms_p95: 80.9"), "execution_ms_p95: 80", "80", &["is 80, below execution_ms_p50 (80.9)"]),
        ((1, "encode_ms_p95: 17.0"), "encode_ms_p95: .inf", ".inf", &["is inf; expected 0 to 60000 ms"]),
        ((1, "accuracy: 0.43"), "accuracy: 43", "43", &["`entries[0].accuracy` is 43; expected 0 to 1"]),
        (
            (1, "edd2-imgcomp50-inpcompNone"),
            "edd2-imgcomp60-inpcompNone",
            "edd2",
            &["unknown compression", "50, 75, 90, 95, PNG"],
        ),
        (
            (1, "edd2-imgcompNone-inpcomp50"),
            "edd2-imgcomp50-inpcompNone",
            "edd2",
            &["`entries[1].config` is \"edd2-imgcomp50-inpcompNone\", as in entry 0"],
        ),
        ((1, "\n    accuracy: 0.43\n"), "\n", "execution_ms_p95", &["the key `accuracy` is missing"]),
        ((1, "model: edd1"), "model: \"\"", "\"\"", &["`vehicle.model` is \"\""]),
    ];
    for (place, new, at, words) in cases {
        assert_says(&message::<UtilityTable>("tables/efficientdet-coco.yaml", *place, new), at, words);
    }
}

#[test]
fn a_second_document_is_refused() {
    let error = CloudProfile::parse(&format!("{}---\nworkers: 1\n", shipped("cloud.yaml")), Path::new("c.yaml"));
    assert_says(&error.unwrap_err().to_string(), "workers", &["a second document begins; expected one document"]);
}

#[test]
fn several_mistakes_are_all_told_in_the_order_of_the_file() {
    let text =
        shipped("car.yaml").replacen("slo_ms: 200", "slo_ms: 0", 1).replacen("frame_slots: 8", "frame_slots: 0", 1);
    let error = CarProfile::parse(&text, Path::new("c.yaml")).unwrap_err();
    let lines: Vec<usize> = error.problems().iter().map(|problem| problem.line_and_column().unwrap().0).collect();
    assert!(lines.len() >= 2 && lines.is_sorted(), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing.yaml");
    let error = CarProfile::load(&missing).unwrap_err().to_string();
    assert!(error.contains("missing.yaml") && error.contains("cannot be read"), "{error}");
    let binary = dir.path().join("binary.yaml");
    std::fs::write(&binary, [0xff, 0xfe, 0x00, 0xc3]).unwrap();
    let error = CarProfile::load(&binary).unwrap_err().to_string();
    assert!(error.contains("binary.yaml"), "{error}");
    let empty = dir.path().join("empty.yaml");
    std::fs::write(&empty, "").unwrap();
    let error = CarProfile::load(&empty).unwrap_err().to_string();
    assert!(error.contains("empty.yaml:1:1: the file ends where a value is expected"), "{error}");
}
