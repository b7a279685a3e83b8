//! Upper bounds on what the services from some depth on can still add: the linear relaxation of the knapsack.
//!
//! The cloud's limit is moved into the objective at a price λ per nanosecond (Lagrangian relaxation), which leaves a
//! multiple-choice knapsack in the uplink alone. Its linear relaxation is solved by the concave hull of each service's
//! (rate, value) points, the increments of all hulls taken in order of slope (Sinha and Zoltners, 1979). The optimum as
//! a function of the rate that is left is then a concave line of knots, one line per depth, in which a bound is a
//! binary search. Any λ ≥ 0 gives a valid bound; the least one is sought by bisection where the cloud's limit bites.

use super::item::Item;

/// Bisection steps for the price of cloud time; the bound is valid after any number of them.
const PRICE_STEPS: u32 = 14;

/// A corner of a bound's line: at `rate` left the bound is `value`, and rises with `slope` beyond.
#[derive(Clone, Copy, Debug, Default)]
struct Knot {
    rate: f64,
    value: f64,
    slope: f64,
}

/// One step of a service's hull.
#[derive(Clone, Copy, Debug, Default)]
struct Increment {
    rate: f64,
    value: f64,
    /// What the step adds to the cloud's use, for the subgradient; may be negative.
    cloud: f64,
}

impl Increment {
    fn slope(&self) -> f64 {
        self.value / self.rate
    }
}

/// The bounds of one solve; its storage is reused.
#[derive(Debug)]
pub(crate) struct Bounds {
    /// Price of a nanosecond of cloud time.
    cloud_price: f64,
    /// Price of a bit/s, the slope of the root's line at the capacity.
    rate_price: f64,
    /// The lines of all depths, one after the other, deepest first.
    knots: Vec<Knot>,
    /// Where the line of each depth begins and ends in `knots`, deepest first.
    lines: Vec<(usize, usize)>,
    /// Increments of the services taken so far, by falling slope.
    merged: Vec<Increment>,
    scratch: Vec<Increment>,
    hull: Vec<Increment>,
    corners: Vec<(f64, f64, f64)>,
}

impl Bounds {
    pub(crate) fn new(max_services: usize, max_items: usize) -> Self {
        let increments = max_services * max_items;
        // Line d holds one knot more than the increments of the services from d on.
        let knots = max_items * max_services * (max_services + 1) / 2 + max_services + 1;
        Self {
            cloud_price: 0.0,
            rate_price: 0.0,
            knots: Vec::with_capacity(knots),
            lines: Vec::with_capacity(max_services + 1),
            merged: Vec::with_capacity(increments),
            scratch: Vec::with_capacity(increments),
            hull: Vec::with_capacity(max_items),
            corners: Vec::with_capacity(max_items),
        }
    }

    /// Price of a bit/s and of a nanosecond of cloud time at the root.
    pub(crate) fn prices(&self) -> (f64, f64) {
        (self.rate_price, self.cloud_price)
    }

    /// Prepares the bounds for `services`. Each item list must be in rising rate order.
    pub(crate) fn build(&mut self, services: &[Vec<Item>], uplink: u64, cloud: u64) {
        self.cloud_price = 0.0;
        if self.cloud_use(services, uplink) > cloud as f64 {
            self.seek_price(services, uplink, cloud as f64);
        }
        self.knots.clear();
        self.lines.clear();
        self.merged.clear();
        let mut base = 0.0;
        self.push_line(base);
        for items in services.iter().rev() {
            base += self.make_hull(items);
            self.merge_hull();
            self.push_line(base);
        }
        let uplink = uplink as f64;
        self.rate_price = self.knot_at(services.len(), uplink).map_or(0.0, |knot| knot.slope);
    }

    /// The most that the last `remaining` services can add with `rate` bit/s and `cloud` ns/s left, rounded up to be
    /// safe from rounding.
    pub(crate) fn at(&self, remaining: usize, rate: u64, cloud: u64) -> i64 {
        let rate = rate as f64;
        let line = self.knot_at(remaining, rate).map_or(f64::INFINITY, |knot| {
            knot.value
                + (rate - knot.rate) * knot.slope
                + if self.cloud_price > 0.0 { self.cloud_price * cloud as f64 } else { 0.0 }
        });
        safely_up(line)
    }

    fn knot_at(&self, remaining: usize, rate: f64) -> Option<&Knot> {
        let &(start, end) = self.lines.get(remaining)?;
        let line = self.knots.get(start..end)?;
        line.get(line.partition_point(|knot| knot.rate <= rate).checked_sub(1)?)
    }

    /// Cloud time of the relaxation's optimum at the present price.
    fn cloud_use(&mut self, services: &[Vec<Item>], uplink: u64) -> f64 {
        self.merged.clear();
        for items in services {
            self.make_hull(items);
            self.merged.extend_from_slice(&self.hull);
        }
        self.merged.sort_unstable_by(|a, b| b.slope().total_cmp(&a.slope()));
        let (mut left, mut total) = (uplink as f64, 0.0);
        for step in &self.merged {
            let share = (left / step.rate).clamp(0.0, 1.0);
            total += share * step.cloud;
            left -= share * step.rate;
        }
        total
    }

    /// The bound is convex in the price with subgradient capacity − use, so its sign tells on which side the least is.
    fn seek_price(&mut self, services: &[Vec<Item>], uplink: u64, cloud: f64) {
        let dearest = services
            .iter()
            .flatten()
            .filter(|item| item.cloud > 0)
            .map(|item| item.key as f64 / item.cloud as f64)
            .fold(0.0, f64::max);
        let (mut low, mut high) = (0.0, dearest);
        for _ in 0..PRICE_STEPS {
            self.cloud_price = (low + high) / 2.0;
            if self.cloud_use(services, uplink) > cloud { low = self.cloud_price } else { high = self.cloud_price }
        }
        self.cloud_price = high;
    }

    /// Leaves the concave hull of `items`, above the on-vehicle detector, as increments in `self.hull`; returns the
    /// value at rate 0.
    fn make_hull(&mut self, items: &[Item]) -> f64 {
        let price = self.cloud_price;
        let corners = &mut self.corners;
        corners.clear();
        for item in items {
            let point = (item.rate as f64, item.key as f64 - price * item.cloud as f64, item.cloud as f64);
            if corners.last().is_some_and(|last| point.1 <= last.1) {
                continue;
            }
            while let [.., (rate_a, value_a, _), (rate_b, value_b, _)] = *corners.as_slice() {
                // b stays only if it lies above the chord from a to the new point.
                if (value_b - value_a) * (point.0 - rate_b) > (point.1 - value_b) * (rate_b - rate_a) {
                    break;
                }
                corners.pop();
            }
            if corners.last().is_some_and(|last| last.0 >= point.0) {
                corners.pop();
            }
            corners.push(point);
        }
        self.hull.clear();
        for (&(rate_a, value_a, cloud_a), &(rate_b, value_b, cloud_b)) in corners.iter().zip(corners.iter().skip(1)) {
            self.hull.push(Increment { rate: rate_b - rate_a, value: value_b - value_a, cloud: cloud_b - cloud_a });
        }
        corners.first().map_or(0.0, |first| first.1)
    }

    /// Merges `self.hull` into `self.merged`, both by falling slope.
    fn merge_hull(&mut self) {
        self.scratch.clear();
        let (mut old, mut new) = (self.merged.iter().peekable(), self.hull.iter().peekable());
        loop {
            let next = match (old.peek(), new.peek()) {
                (Some(a), Some(b)) if a.slope() >= b.slope() => old.next(),
                (_, Some(_)) => new.next(),
                (Some(_), None) => old.next(),
                (None, None) => break,
            };
            self.scratch.extend(next.copied());
        }
        std::mem::swap(&mut self.merged, &mut self.scratch);
    }

    fn push_line(&mut self, base: f64) {
        let start = self.knots.len();
        let (mut rate, mut value) = (0.0, base);
        for step in &self.merged {
            self.knots.push(Knot { rate, value, slope: step.slope() });
            rate += step.rate;
            value += step.value;
        }
        self.knots.push(Knot { rate, value, slope: 0.0 });
        self.lines.push((start, self.knots.len()));
    }
}

/// The largest whole number not below `bound`, with room for the rounding of the sums that made it.
pub(crate) fn safely_up(bound: f64) -> i64 {
    (bound + bound.abs() * 1e-12 + 1e-3).floor() as i64
}
