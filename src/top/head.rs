//! The lines that a snapshot begins with.

use telemetry::subscribe::{EmulatedPicture, GatewayPicture, LinkPicture, Picture, WayPicture};

use super::table::number;
use crate::live::escaped;

/// Who it is, what is known of its link, allocation, gateway or emulated link, and what it has lost: a line each.
pub fn head(picture: &Picture) -> Vec<String> {
    let who = &picture.who;
    let run_dir = who.run_dir.as_deref().map(|dir| escaped(&dir.display().to_string())).unwrap_or_default();
    let mut lines = vec![format!(
        "{}  {}  {:.0} s  turbo {}  {run_dir}",
        escaped(&who.name()),
        picture.state,
        picture.since_start_s,
        who.version
    )];
    if who.program == "car" {
        lines.push(link(picture.link.as_ref()));
        lines.push(allocation(picture));
    }
    if let Some(seen) = &picture.gateway {
        lines.extend(gateway(seen));
    }
    if let Some(seen) = &picture.emulated {
        lines.extend(emulated(seen));
    }
    lines.push(losses(picture));
    lines
}

fn gateway(seen: &GatewayPicture) -> [String; 3] {
    let by: Vec<String> = seen.refused_by.iter().map(|(what, count)| format!("{count} {}", escaped(what))).collect();
    let by = if by.is_empty() { String::new() } else { format!(" ({})", by.join(", ")) };
    [
        format!(
            "gateway  cars {}  connections {}  frames {} coming or here ({:.1} MB)  waiting {}  with a worker {}",
            seen.cars,
            seen.connections,
            seen.frames,
            seen.held_bytes as f64 * 1e-6,
            seen.waiting,
            seen.running
        ),
        format!(
            "answered  served {}  expired {}  superseded {}  overload {}  failed {}   given up by cars {}",
            seen.served, seen.expired, seen.superseded, seen.overload, seen.failed, seen.given_up
        ),
        format!("refused  {}{by}", seen.refused),
    ]
}

fn emulated(seen: &EmulatedPicture) -> [String; 3] {
    let way = |name: &str, way: &WayPicture| {
        format!(
            "{name}  rate {} Mbit/s  delivered {} Mbit/s  queue {:.1} kB   packets {} in, {} out, {} dropped ({} queue, \
             {} loss)  {} late",
            number(way.rate_mbps, 2),
            number(way.delivered_mbps, 2),
            way.queue_bytes as f64 * 1e-3,
            way.offered,
            way.delivered,
            way.dropped,
            way.dropped_queue,
            way.dropped_loss,
            way.late_1ms
        )
    };
    [
        format!(
            "emulated link  {} to {}  clients {}  commands {}  rebinds {}",
            escaped(&seen.listen),
            escaped(&seen.server),
            seen.clients,
            seen.commands,
            seen.rebinds
        ),
        way("up  ", &seen.up),
        way("down", &seen.down),
    ]
}

fn link(link: Option<&LinkPicture>) -> String {
    let Some(link) = link else { return "link  no connection so far".to_owned() };
    // The transport tells ten times a second while there is a connection.
    let since =
        if link.age_s > 1.0 { format!("  NO CONNECTION for {:.0} s; before:", link.age_s) } else { String::new() };
    format!(
        "link{since}  estimate {:.2} Mbit/s (low {}, high {}; of 10 s p10 {:.2}, p50 {:.2})  round trip {:.1} ms  loss {:.2} %  connections {}  \
         window {:.0} kB  delivered {:.2} Mbit/s{}",
        link.estimate_mbps,
        number(link.low_mbps, 2),
        number(link.high_mbps, 2),
        link.estimate_p10_mbps,
        link.estimate_p50_mbps,
        link.rtt_ms,
        link.loss * 100.0,
        link.connections,
        f64::from(link.cwnd_bytes) * 1e-3,
        link.delivery_mbps,
        if link.app_limited { " (little was sent)" } else { "" }
    )
}

fn allocation(picture: &Picture) -> String {
    let Some(made) = &picture.allocation else { return "allocation  none so far".to_owned() };
    format!(
        "allocation  policy {}  {:.2} Mbit/s divided {:.1} s ago in {:.0} us  utility {:.3} (vehicle alone {:.3})",
        made.policy, made.available_mbps, made.age_s, made.solve_us, made.expected_utility, made.on_vehicle_utility
    )
}

fn losses(picture: &Picture) -> String {
    let losses = &picture.losses;
    let named = [
        ("records", losses.records_dropped),
        ("rows", losses.rows_lost),
        ("rows unprotected", losses.rows_unprotected),
        ("rows waiting", losses.rows_waiting),
        ("raw frames", losses.frames_lost),
        ("events", losses.events_lost),
        ("subscribers' records", picture.subscribers_lost),
    ];
    let lost: Vec<String> =
        named.iter().filter(|(_, count)| *count > 0).map(|(what, count)| format!("{count} {what}")).collect();
    let lost = if lost.is_empty() { "nothing".to_owned() } else { lost.join(", ") };
    let error = losses.last_error.as_deref().map(|error| format!(" ({})", escaped(error))).unwrap_or_default();
    format!(
        "lost  {lost}{error}   events late {}, expired {}   subscribers {}",
        losses.events_late, losses.events_expired, picture.subscribers
    )
}
