//! Car and cloud have a Unix clock each. No request arrives before it was sent and no result comes before it was
//! finished: where the two clocks say so, the cloud's is moved, by no more than it takes.

use std::collections::HashMap;

use crate::export::frames::{CarFrame, CloudFrame};

/// What to add to the cloud's times, s.
pub(super) fn estimate(cars: &[CarFrame], clouds: &HashMap<usize, CloudFrame>) -> f64 {
    let (mut least, mut most) = (f64::NEG_INFINITY, f64::INFINITY);
    for (place, cloud) in clouds {
        let Some(car) = cars.get(*place) else { continue };
        // In the car's monotonic time, before any move.
        let (arrived, end) = (cloud.arrived - car.unix_offset, cloud.end - car.unix_offset);
        least = least.max(car.sent - arrived);
        most = car.received.map_or(most, |received| most.min(received - end));
    }
    match (least.is_finite(), most.is_finite()) {
        (false, _) => 0.0,
        // The clocks drift or were stepped: no one move satisfies all; the middle hurts least.
        (true, true) if least > most => f64::midpoint(least, most),
        (true, true) => 0.0_f64.clamp(least, most),
        (true, false) => least.max(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(cloud_ahead: f64) -> f64 {
        let car = CarFrame { sent: 10.0, received: Some(10.1), unix_offset: 1000.0, ..CarFrame::default() };
        let at = 1000.0 + cloud_ahead;
        let cloud = CloudFrame { arrived: at + 10.03, end: at + 10.07, ..CloudFrame::default() };
        estimate(&[car], &HashMap::from([(0, cloud)]))
    }

    #[test]
    fn a_clock_that_is_right_is_left_alone_and_one_that_is_wrong_is_moved_as_little_as_can_be() {
        assert_eq!(moved(0.0), 0.0);
        assert_eq!(moved(0.02), 0.0);
        assert!((moved(5.0) + 4.97).abs() < 1e-6, "{}", moved(5.0));
        assert!((moved(-5.0) - 4.97).abs() < 1e-6, "{}", moved(-5.0));
    }
}
